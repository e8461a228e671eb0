"""Deliveries that end the process which reads them: others are taken, and these are given up."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

from pipeline.retraining.deliveries.process_deaths import MAX_DEATHS, ProcessDeaths
from pipeline.retraining.ledger import Ledger

#: Intake of an inbox; reading "bad" does what the last argument says.
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from components.pusher.version_store import VersionStore
from pipeline.config.retraining_options import RetrainOptions
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.deliveries.batch_store import BatchStore, StoredBatch
from pipeline.retraining.deliveries.delivery_faults import DeliveryGuard
from pipeline.retraining.deliveries.delivery_intake import DeliveryIntake
from pipeline.retraining.deliveries.process_deaths import ProcessDeaths
from pipeline.retraining.ledger import Ledger

workspace, inbox, end = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
# Of a process in the background the shell has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Store(BatchStore):
    def add(self, delivery, quiet_seconds=0):
        if delivery.name == "bad" and end != "read it":
            os.kill(os.getpid(), getattr(signal, end))
            time.sleep(60)
        return StoredBatch(delivery.name, delivery.stamp())

guard = DeliveryGuard(workspace / "log", CommandLog("retrain", workspace))
deaths = ProcessDeaths(workspace / "batches")
options = RetrainOptions(inbox=inbox, quiet_seconds=0)
versions, store = VersionStore(workspace, "m"), Store(workspace / "batches")
intake = DeliveryIntake(options, Ledger(workspace), store, versions, guard, deaths)
for take in (intake.take_all, intake.take_suspects):
    for result in take():
        print(result.name, result.text, *result.events, sep="|", flush=True)
"""


class Site:
    """An inbox with a bad and a good delivery."""

    def __init__(self, root: Path) -> None:
        self.inbox, self.workspace = root / "inbox", root / "workspace"
        self.workspace.mkdir()
        for name in ("bad", "good"):
            (self.inbox / name).mkdir(parents=True)
            (self.inbox / name / "_READY").touch()

    def run(self, end: str = "SIGKILL") -> tuple[int, list[str]]:
        """Run the program; return its exit code and its lines."""
        command = [sys.executable, "-c", PROGRAM, str(self.workspace), str(self.inbox), end]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert "Error" not in done.stderr
        return done.returncode, done.stdout.splitlines()

    def states(self) -> dict[str, str]:
        return {batch.name: batch.state for batch in Ledger(self.workspace).batches()}


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_delivery_that_kills_the_process_is_tried_last_and_then_given_up(site):
    died = -signal.SIGKILL
    assert site.run() == (died, [])
    tried = "bad|tried last: the process ended {} while reading this delivery"
    assert site.run() == (died, ["good||taken", tried.format("once")])
    assert site.run() == (died, [tried.format("2 times")])
    code, [line] = site.run()
    assert line == (
        "bad|failed: the process ended 3 times while reading this delivery, as for lack of memory. "
        "To try again, touch a file of it|taken|failed"
    )
    assert (code, site.states()) == (0, {"bad": "failed", "good": "taken"})
    assert site.run() == (0, [])  # it is not read any more
    (site.inbox / "bad" / "_READY").touch()
    assert site.run("read it") == (0, ["bad||taken"])


def test_a_signal_to_stop_is_no_death_and_forgives_none(site):
    site.run()
    for end in (signal.SIGTERM, signal.SIGINT):
        assert site.run(end.name)[0] == -end
        assert [path.stat().st_size for path in site.workspace.glob("batches/.reading/*")] == [1]


def test_an_error_is_an_outcome_and_ends_the_count(tmp_path):
    deaths = ProcessDeaths(tmp_path)
    with pytest.raises(KeyboardInterrupt), deaths.reading("a"):
        assert deaths.count("a") == 1
        raise KeyboardInterrupt
    assert deaths.count("a") == 0
    (tmp_path / ".reading" / "a").write_bytes(b"x" * (MAX_DEATHS - 1))
    with pytest.raises(ValueError, match="why"), deaths.reading("a"):
        assert deaths.count("a") == MAX_DEATHS
        raise ValueError("why")
    assert deaths.count("a") == 0
