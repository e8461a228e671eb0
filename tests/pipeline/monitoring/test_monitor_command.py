"""`carryover monitor` on a workspace with a tiny model."""

import json
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import warm_process
from monitored_site import COPY, MonitoredSite, known, monitor, move_position, unusual
from tiny_pictures import solid
from typer.testing import CliRunner

from components.image_example_gen.picture_reader import read_picture
from pipeline.cli import app
from pipeline.inputs.folder import scan_folder
from pipeline.monitoring import monitor_watch
from pipeline.predicting.embedding_distance import distances_to_domains
from pipeline.retraining.ledger import Ledger
from pipeline.traffic.monitor_files import monitoring_folder, report_file
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.model_assets import REFERENCE
from trainer_module.export.reference_embeddings import read_reference
from trainer_module.export.saved_model_classifier import SavedModelClassifier

pytestmark = pytest.mark.component


def report(site: MonitoredSite) -> dict:
    return json.loads(report_file(site.workspace, "colours").read_text())


def test_without_traffic_nothing_is_unusual_and_the_output_says_how_to_collect(site):
    done = monitor(site)
    assert done.exit_code == 0
    assert "No traffic of colours 1 was collected yet." in done.stdout
    assert f"carryover serve --workspace {site.workspace} --sample-requests" in done.stdout


def test_traffic_of_other_versions_alone_is_told_apart_from_none(site):
    site.send(known(60), version=7)
    done = monitor(site)
    assert done.exit_code == 0
    assert done.stdout == (
        "No traffic of colours 1 was collected yet; what there is comes from other models or "
        "versions, or from the last seconds.\n"
    )


def test_known_pictures_are_nothing_unusual(site):
    site.send(known(150))
    done = monitor(site)
    assert done.exit_code == 0
    assert "Nothing is unusual for colours 1." in done.stdout
    [domain] = report(site)["domains"]
    assert (domain["domain"], domain["pictures"], domain["alarm"]) == ("gate", 150, None)
    assert domain["classes"] == {"red": 1.0}
    assert domain["novel"] == 0


def test_unusual_pictures_are_told_in_words_with_exit_code_3(site):
    site.send([*known(150), *unusual(150)])
    done = monitor(site)
    assert done.exit_code == 3
    assert "Domain 'gate': since " in done.stdout
    assert ", taken together, are unlike every known domain (of known ones at most " in done.stdout
    assert "nearest 'day' (" in done.stdout
    [domain] = report(site)["domains"]
    assert domain["alarm"]["share"] > 0.6
    assert 140 <= domain["alarm"]["pictures"] <= 160


def test_the_distance_to_the_nearest_domain_is_that_which_a_pass_measures_for_the_batch(site):
    site.send(unusual(150))
    monitor(site, "--deliver", site.inbox)
    model = site.workspace / "serving" / "colours" / "1"
    pictures = [read_picture(path.read_bytes()) for path in site.inbox.glob("*/*/*/*.png")]
    reference = read_reference(str(model))
    assert reference
    embeddings = SavedModelClassifier(model).embed([one.encoded for one in pictures])
    distances = distances_to_domains(embeddings, reference)
    alarm = report(site)["domains"][0]["alarm"]
    assert alarm["distance"] == pytest.approx(min(distances.values()), abs=0.02)
    assert alarm["distance"] == pytest.approx(distances[alarm["nearest_domain"]], abs=0.02)


def test_a_client_domain_has_a_test_of_its_own(site):
    site.send(known(150), "gate")
    site.send(unusual(150), "yard")
    assert monitor(site).exit_code == 3
    alarms = {one["domain"]: one["alarm"] is not None for one in report(site)["domains"]}
    assert alarms == {"gate": False, "yard": True}


def test_traffic_is_read_once_and_an_alarm_lasts(site):
    site.send(unusual(150), age=900)
    assert monitor(site).exit_code == 3
    assert monitor(site).exit_code == 3
    assert report(site)["domains"][0]["total"] == 150


def test_an_alarm_ends_when_the_newest_pictures_are_usual_again(site):
    site.send(unusual(150), age=900)
    assert monitor(site).exit_code == 3
    site.send(known(200))
    assert monitor(site).exit_code == 0


def test_traffic_of_other_versions_and_damaged_pictures_are_left_out(site):
    site.send(unusual(150), version=7)
    site.send([*known(60), b"no picture"])
    assert monitor(site).exit_code == 0
    [domain] = report(site)["domains"]
    assert (domain["total"], domain["unusable"]) == (60, 1)


def add_model(site: MonitoredSite) -> None:
    serving = site.workspace / "serving"
    shutil.copytree(serving / "colours", serving / "other")


def test_traffic_of_another_model_is_left_out(site):
    add_model(site)
    site.send(unusual(150), model="other")
    site.send(known(60), model="colours")
    assert monitor(site, "--name", "colours", "--deliver", site.inbox).exit_code == 0
    assert report(site)["domains"][0]["total"] == 60


def test_a_batch_has_no_pictures_of_another_model(site):
    add_model(site)
    site.send(unusual(150), model="colours")
    site.send(unusual(150, seed=2), model="other")
    assert monitor(site, "--name", "colours", "--deliver", site.inbox).exit_code == 3
    contents = {path.read_bytes() for path in site.inbox.glob("*/gate/*/*")}
    assert contents <= set(unusual(150))


def test_traffic_without_the_name_of_its_model_is_that_of_the_only_one(site, caplog):
    site.send(known(60), model=None)
    assert monitor(site).exit_code == 0
    assert report(site)["domains"][0]["total"] == 60
    add_model(site)
    site.send(known(70), age=10, model=None)
    assert monitor(site, "--name", "colours").exit_code == 0
    assert report(site)["domains"][0]["total"] == 60
    assert "70 pictures are left out: they were kept without the name of their model" in caplog.text


def test_a_clock_that_was_ahead_hides_no_later_traffic(site):
    site.send(known(60), age=900)
    now = time.time()
    with mock.patch("time.time", lambda: now + 30 * 86_400):
        monitor(site)
    site.send(unusual(150), age=10)
    assert monitor(site).exit_code == 3
    assert report(site)["domains"][0]["total"] == 210


def test_a_position_in_the_future_is_corrected_with_a_line(site, caplog):
    site.send(known(60), age=900)
    monitor(site)
    move_position(site, 30 * 86_400)
    site.send(unusual(150), age=10)
    assert monitor(site).exit_code == 3
    assert report(site)["domains"][0]["total"] == 210
    assert "seconds ahead in an earlier look" in caplog.text


def test_a_line_of_json_is_printed(site, capfd):
    site.send(unusual(150))
    assert monitor(site, "--json").exit_code == 3
    [line] = capfd.readouterr().out.splitlines()
    assert json.loads(line)["unusual"] is True


def test_the_command_of_the_config_gets_one_notice_of_an_alarm(site, tmp_path):
    received = tmp_path / "received"
    site.write_config(notify={"command": [sys.executable, "-c", COPY, str(received)]})
    site.send(unusual(150))
    monitor(site)
    monitor(site)
    [event] = map(json.loads, received.read_text().splitlines())
    assert (event["event"], event["domain"]) == ("unusual_traffic", "gate")
    assert "unlike every known domain" in event["text"]


def test_a_config_and_settings_name_other_receivers_of_notices(site, tmp_path):
    site.send(unusual(150))
    config = tmp_path / "my.yaml"
    program = json.dumps([sys.executable, "-c", COPY, str(tmp_path / "by config")])
    config.write_text(f"name: other\nnotify: {{command: {program}}}\n")  # no data are needed
    monitor(site, "--config", config, "--deliver", site.inbox)
    program = json.dumps([sys.executable, "-c", COPY, str(tmp_path / "by set")])
    shutil.rmtree(monitoring_folder(site.workspace))
    monitor(site, "--config", config, "--set", f"notify.command={program}")
    for name in ("by config", "by set"):
        [event] = map(json.loads, (tmp_path / name).read_text().splitlines())
        assert event["model"] == "colours"


def test_a_config_that_names_another_workspace_is_refused_without_workspace(
    site, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text("data: .\nworkspace: elsewhere\n")
    done = CliRunner().invoke(app, ["monitor", "--config", "my.yaml"])
    assert isinstance(done.exception, InputError)
    assert f"Give --workspace {tmp_path}/elsewhere." in str(done.exception)


def test_a_config_without_workspace_and_data_is_for_the_default_workspace(
    site, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text("notify: {command: ['true']}\n")
    done = CliRunner().invoke(app, ["monitor", "--config", "my.yaml"])
    assert done.exit_code == 0, done.output


def test_a_wrong_setting_ends_the_command_before_the_first_look(site, monkeypatch):
    monkeypatch.setattr(monitor_watch, "watch_traffic", pytest.fail)
    with pytest.raises(InputError, match=r"notify\.comand"):
        monitor(site, "--watch", "--set", "notify.comand=[a]")


def test_unusual_pictures_are_delivered_once(site):
    site.send([*known(100), *unusual(150)])
    done = monitor(site, "--deliver", site.inbox)
    assert done.exit_code == 3
    [batch] = site.inbox.iterdir()
    assert f"Delivered: {batch}" in done.stdout
    assert (batch / "_READY").exists()
    to_label = set((batch / "gate" / "_to_label").iterdir())
    rest = (
        set((batch / "gate" / "_unlabelled").iterdir())
        if (batch / "gate" / "_unlabelled").exists()
        else set()
    )
    contents = {path.read_bytes() for path in to_label | rest}
    assert to_label
    assert len(contents) == len(to_label) + len(rest) > 80
    assert len(contents & set(unusual(150))) > 0.95 * len(contents)
    monitor(site, "--deliver", site.inbox)
    assert [batch] == list(site.inbox.iterdir())


@pytest.mark.parametrize("options", [(), ("--deliver",)])
def test_a_later_look_says_where_and_when_the_pictures_of_an_alarm_were_delivered(site, options):
    site.send([*known(100), *unusual(150)])
    monitor(site, "--deliver", site.inbox)
    [batch] = site.inbox.iterdir()
    [first] = report(site)["domains"]
    assert (first["delivered"], first["is_new_delivery"]) == (str(batch), True)
    done = monitor(site, *options, *([site.inbox] if options else []))
    [later] = report(site)["domains"]
    assert later["delivered"] == str(batch)
    assert later["delivered_at"] == first["delivered_at"]
    assert not later["is_new_delivery"]
    assert re.search(rf"^Delivered \w+ \d\d:\d\d UTC: {batch}$", done.stdout, re.MULTILINE)


def test_a_later_look_says_that_the_batch_of_an_alarm_is_no_longer_there(site):
    site.send([*known(100), *unusual(150)])
    monitor(site, "--deliver", site.inbox)
    [batch] = site.inbox.iterdir()
    assert not report(site)["domains"][0]["is_delivery_gone"]
    batch.rename(batch.parent.with_name("elsewhere"))
    done = monitor(site)
    line = rf"^Delivered \w+ \d\d:\d\d UTC: {batch} \(it is no longer there\)$"
    assert re.search(line, done.stdout, re.MULTILINE)
    assert report(site)["domains"][0]["is_delivery_gone"]


def test_a_new_alarm_says_nothing_of_the_batch_of_an_earlier_one(site):
    site.send(unusual(150), age=900)
    monitor(site, "--deliver", site.inbox)
    site.send(known(200), age=500)
    assert monitor(site).exit_code == 0
    site.send(unusual(150, seed=2))
    assert monitor(site).exit_code == 3
    assert report(site)["domains"][0]["delivered"] is None


def test_an_alarm_ends_once_the_version_is_good_enough_on_its_batch_until_something_new(site):
    site.send(unusual(150), age=900)
    assert monitor(site, "--deliver", site.inbox).exit_code == 3
    [batch] = site.inbox.glob("traffic-*")
    ledger = Ledger(site.workspace)
    ledger.add(batch.name, str(batch), "digest", "stamp")
    ledger.finish(1, "good_enough", "an accuracy of 0.95 needs no retraining")
    done = monitor(site, "--deliver", site.inbox)
    assert done.exit_code == 0
    assert "Domain 'gate': the alarm was settled " in done.stdout
    assert f" by {batch.name}, good_enough: an accuracy of 0.95 needs no" in done.stdout
    [domain] = report(site)["domains"]
    assert (domain["alarm"], domain["settled_alarm"]["batch"]) == (None, batch.name)
    assert "Delivered" not in done.stdout
    site.send(unusual(150, seed=2), age=300)
    assert monitor(site, "--deliver", site.inbox).exit_code == 0
    assert list(site.inbox.glob("traffic-*")) == [batch]
    site.send([solid((n, n % 3, n)) for n in range(5, 155)], age=10)
    assert monitor(site, "--deliver", site.inbox).exit_code == 3
    assert report(site)["domains"][0]["settled_alarm"] is None


def test_a_delivered_batch_names_a_client_domain_that_no_folder_can_have(site):
    site.send(unusual(150), "gate/1")
    monitor(site, "--deliver", site.inbox)
    [batch] = site.inbox.iterdir()
    listed: list[ListingRow] = []
    scan_folder(batch, listed.append)
    pictures = [row for row in listed if row["path"] != "_READY"]
    assert len(pictures) > 50
    assert {row["domain"] for row in pictures} == {"gate/1"}


@pytest.mark.parametrize(("when", "number"), [("before", 1), ("after", 1), ("before", 2)])
def test_a_monitor_that_is_killed_while_it_delivers_loses_no_picture_and_delivers_none_twice(
    site, tmp_path, when, number
):
    site.send([*known(100), *unusual(150)])
    options = ["monitor", "--workspace", str(site.workspace), "--deliver", str(site.inbox)]
    done = warm_process.run("killed_monitor", [when, str(number), *options], tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    site.send(unusual(60, seed=2), age=20)
    done = monitor(site, "--deliver", site.inbox)
    assert done.exit_code == 3
    assert "Delivered: " in done.stdout
    monitor(site, "--deliver", site.inbox)
    contents = [path.read_bytes() for path in site.inbox.glob("*/gate/*/*")]
    assert len(set(contents)) == len(contents)
    assert len(set(contents) & set(unusual(150))) > 80
    assert not list(site.inbox.glob(".*"))
    assert all((batch / "_READY").exists() for batch in site.inbox.iterdir())


def test_nothing_is_delivered_without_an_alarm(site):
    site.send(known(150))
    assert monitor(site, "--deliver", site.inbox).exit_code == 0
    assert not list(site.inbox.iterdir())


def test_a_version_without_the_classes_of_its_embeddings_is_named(site):
    path = site.workspace / "serving" / "colours" / "1" / REFERENCE
    arrays = dict(np.load(path))
    del arrays["labels"]
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"version 1 of colours was exported before carryover mon"):
        monitor(site)
    path.unlink()
    with pytest.raises(InputError, match=r"version 1 of colours was exported before carryover mon"):
        monitor(site)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def test_a_damaged_state_is_named_with_what_to_do(site):
    site.send(known(60))
    monitor(site)
    damage(monitoring_folder(site.workspace) / "colours-1.npz")
    with pytest.raises(InputError, match=r"state of the monitor .* Remove it: the traffic"):
        monitor(site)


def test_damaged_traffic_is_left_out(site):
    site.send(known(60))
    [file] = (site.workspace / "traffic").glob("*.tfrecord")
    damage(file)
    site.send(known(60))
    assert monitor(site).exit_code == 0
    assert report(site)["domains"][0]["total"] == 60
