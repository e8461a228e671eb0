"""`carryover monitor --deliver` where the inbox, the state or what was delivered is gone."""

import json
import shutil
import signal
import sys
from pathlib import Path

import pytest
import warm_process
from monitored_site import COPY, MonitoredSite, known, monitor, unusual
from tiny_workspace import NAME, push_copy

from components.pusher.version_store import VersionStore
from pipeline.traffic.monitor_files import monitoring_folder, report_file
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component


def delivered(site: MonitoredSite) -> list[bytes]:
    """The pictures in the inbox; those under a hidden name are not."""
    return [path.read_bytes() for path in site.inbox.glob("[!.]*/gate/*/*")]


@pytest.fixture(name="killed")
def _killed(site: MonitoredSite, tmp_path: Path) -> MonitoredSite:
    """A monitor that was killed when its state had a batch, but the inbox not yet."""
    site.send([*known(100), *unusual(150)])
    options = ["monitor", "--workspace", str(site.workspace), "--deliver", str(site.inbox)]
    done = warm_process.run("killed_monitor", ["after", "1", *options], tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not delivered(site)
    return site


def test_a_batch_waits_for_an_inbox_that_is_not_mounted(killed):
    mounted = killed.inbox.rename(killed.inbox.with_name("mounted"))
    killed.inbox.mkdir()  # the mount point
    with pytest.raises(InputError, match="If a disk is not mounted, mount it"):
        monitor(killed, "--deliver", killed.inbox)
    assert not list(killed.inbox.iterdir())
    killed.inbox.rmdir()
    mounted.rename(killed.inbox)
    assert "Delivered: " in monitor(killed, "--deliver", killed.inbox).stdout
    assert len(set(delivered(killed)) & set(unusual(150))) > 80


def test_a_look_without_an_inbox_leaves_the_batch_of_a_killed_one_alone(killed):
    mounted = killed.inbox.rename(killed.inbox.with_name("mounted"))
    assert monitor(killed).exit_code == 3
    mounted.rename(killed.inbox)
    killed.send(unusual(60, seed=2), age=20)
    monitor(killed, "--deliver", killed.inbox)
    assert len(set(delivered(killed)) & set(unusual(150))) > 80


def test_a_batch_of_an_earlier_version_is_delivered_after_a_push(killed):
    push_copy(VersionStore(killed.workspace, NAME), killed.workspace / "model", "run 1")
    done = monitor(killed, "--deliver", killed.inbox)
    assert "Delivered: " in done.stdout
    assert len(set(delivered(killed)) & set(unusual(150))) > 80
    assert "Delivered: " not in monitor(killed, "--deliver", killed.inbox).stdout


@pytest.mark.parametrize("is_other_inbox", [False, True])
def test_pictures_of_a_batch_that_is_gone_for_good_are_delivered_again(killed, is_other_inbox):
    [draft] = killed.inbox.iterdir()
    shutil.rmtree(draft)
    if is_other_inbox:
        killed.inbox.rmdir()
        killed.inbox = killed.inbox.with_name("other")
        killed.inbox.mkdir()
    assert "Delivered: " in monitor(killed, "--deliver", killed.inbox).stdout
    assert len(set(delivered(killed)) & set(unusual(150))) > 80


@pytest.mark.parametrize("is_state_lost", [False, True])
def test_a_later_delivery_of_an_alarm_never_has_the_name_of_an_earlier_one(
    site, tmp_path, is_state_lost
):
    site.send(unusual(150), age=900)
    monitor(site, "--deliver", site.inbox)
    [first] = site.inbox.iterdir()
    first.rename(tmp_path / "taken away")
    if is_state_lost:
        shutil.rmtree(monitoring_folder(site.workspace))
    site.send(unusual(150, seed=2), age=100)
    monitor(site, "--deliver", site.inbox)
    [second] = site.inbox.iterdir()
    assert second.name != first.name
    assert second.name.rpartition("-")[0] == first.name.rpartition("-")[0]


def spoil_inbox(site: MonitoredSite, how: str) -> Path:
    if how == "file":
        (site.inbox / "file").touch()
        return site.inbox / "file"
    # A folder in which root cannot write either.
    return {"missing": site.inbox / "none", "read-only": Path("/proc/self")}[how]


@pytest.mark.parametrize(
    ("how", "problem"),
    [("missing", "does not exist"), ("file", "is a file"), ("read-only", "can be written")],
)
def test_an_inbox_that_cannot_be_written_hides_no_alarm(site, tmp_path, how, problem):
    received = tmp_path / "received"
    site.write_config(notify={"command": [sys.executable, "-c", COPY, str(received)]})
    for domain in ("gate", "yard"):
        site.send([*known(100), *unusual(150)], domain)
    for _ in range(2):
        with pytest.raises(InputError, match=f"--deliver .*{problem}") as fault:
            monitor(site, "--deliver", spoil_inbox(site, how))
        assert str(fault.value).count("--deliver") == 1
    told = [json.loads(line)["domain"] for line in received.read_text().splitlines()]
    assert told == ["gate", "yard"]
    report = json.loads(report_file(site.workspace, "colours").read_text())
    assert report["faults"] == [str(fault.value)]
    assert all(one["alarm"] and one["total"] == 250 for one in report["domains"])
    assert len(deliver(site)) == 2


def deliver(site: MonitoredSite) -> list[Path]:
    """Deliver what could not be delivered, and return the batches."""
    assert monitor(site, "--deliver", site.inbox).exit_code == 3
    return [path for path in site.inbox.iterdir() if path.is_dir()]


def test_an_inbox_that_does_not_exist_is_named_without_an_alarm_too(site):
    with pytest.raises(InputError, match=r"--deliver .*none does not exist\. Create it"):
        monitor(site, "--deliver", site.inbox / "none")
    assert not (site.inbox / "none").exists()
