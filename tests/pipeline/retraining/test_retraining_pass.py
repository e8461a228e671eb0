"""Passes over an inbox with a tiny serving model; the run of the pipeline is replaced."""

import shutil
import subprocess
import sys

import pytest
from retraining_site import (
    CORRECT,
    PUSHED,
    REJECTED,
    RUN_FAILED,
    WRONG,
    KilledError,
    OnEvent,
    Pipeline,
)
from tiny_pictures import write_files
from tiny_workspace import write_colours

from pipeline.logs.command_log import CommandLog
from trainer_module.contract.errors import DataError, InputError

pytestmark = pytest.mark.component


def test_a_pass_over_an_empty_inbox_does_nothing(site):
    assert site.run() == 0
    assert site.output == f"nothing to do in {site.inbox}\n"
    assert (site.events, site.batches()) == ([], [])
    assert site.run(is_quiet=True) == 0
    assert site.output == ""


def test_a_new_domain_with_low_accuracy_is_trained_on_and_pushed(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    pipeline = Pipeline(PUSHED)
    assert site.run(pipeline) == 0
    [batch] = site.batches()
    assert (batch.state, batch.run_id, batch.version) == ("pushed", "run 2", 2)
    assert batch.reason == "'night' +0.800 to 'day' -0.020, mean 0.890"
    assert batch.numbers["night"]["accuracy"] == 0
    assert batch.numbers["night"]["asked"] == len(WRONG)
    assert batch.numbers["night"]["is_new"]
    [snapshot] = pipeline.snapshots
    assert snapshot.batch == batch.digest
    assert snapshot.new_folders == (f"batches/{batch.digest}",)
    assert snapshot.files == len(WRONG) + 9
    assert site.event_names() == ["taken", "retraining", "pushed"]
    assert {**site.events[2], "time": ""} == {
        "event": "pushed",
        "time": "",
        "batch": "monday",
        "number": 1,
        "reason": batch.reason,
        "run_id": "run 2",
        "version": 2,
    }
    assert site.output.splitlines()[0].startswith(
        "monday: retrain: new domain 'night': 12 labelled, accuracy of the serving model 0.000, "
    )
    assert site.output.splitlines()[1:] == ["monday: pushed"]  # the run has shown the rest


def test_a_finished_batch_is_not_processed_again(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    site.run(Pipeline(PUSHED))
    assert site.run() == 0
    assert "nothing to do" in site.output


def test_the_same_pictures_under_another_name_are_a_duplicate(site):
    write_colours(site.inbox / "monday", "night", CORRECT)
    site.run()
    shutil.copytree(site.inbox / "monday", site.inbox / "tuesday")
    assert site.run() == 0
    assert site.states() == ["good_enough", "duplicate"]
    assert "tuesday: duplicate: the same pictures arrived as batch 1, monday" in site.output
    assert [event["state"] for event in site.events] == ["duplicate"]


def test_a_domain_with_high_accuracy_is_good_enough(site):
    write_colours(site.inbox / "monday", "night", CORRECT)
    assert site.run() == 0
    [batch] = site.batches()
    assert batch.state == "good_enough"
    assert "needs no retraining" in batch.reason
    assert site.event_names() == ["taken", "good_enough"]


def test_too_few_pictures_wait_and_are_trained_on_with_the_next_batch(site):
    write_colours(site.inbox / "monday", "night", WRONG[:2])
    assert site.run() == 0
    assert site.states() == ["too_little_data"]
    write_colours(site.inbox / "tuesday", "night", WRONG[:3], seed=200)
    pipeline = Pipeline(PUSHED)
    assert site.run(pipeline) == 0
    first, second = site.batches()
    assert (first.state, second.state) == ("too_little_data", "pushed")
    folders = {f"batches/{first.digest}", f"batches/{second.digest}"}
    assert set(pipeline.snapshots[0].new_folders) == folders


def test_a_known_domain_with_wrong_labels_is_held(site):
    write_colours(site.inbox / "monday", "day", WRONG)
    assert site.run() == 0
    [batch] = site.batches()
    assert batch.state == "held"
    assert "Check the labels" in batch.reason
    assert (
        ". The serving model predicts another class for 4 of 4 of 'blue' "
        "(day/blue/11.png, day/blue/2.png, day/blue/5.png, ...), 4 of 4 of 'green' ("
    ) in batch.reason
    assert "classes" not in batch.numbers["day"]
    assert site.output.splitlines()[-2:] == [
        "If the labels of monday are right:",
        f'  carryover accept --batch monday --reason "..." --workspace {site.workspace}',
    ]
    assert batch.numbers["day"]["drift"] > 0.01
    assert site.event_names() == ["taken", "held"]


def test_a_batch_without_a_usable_picture_is_held(site):
    write_files(site.inbox / "monday", {"not in a class folder.png": b"", "_READY": b""})
    assert site.run() == 0
    [batch] = site.batches()
    assert batch.state == "held"
    assert "has pictures directly in it, where no folder names their class" in batch.reason


def test_an_unreadable_manifest_is_held_and_does_not_stop_other_batches(site):
    (site.inbox / "broken.csv").write_text("no,such,columns\n")
    write_colours(site.inbox / "monday", "night", CORRECT)
    assert site.run() == 0
    assert {batch.name: batch.state for batch in site.batches()} == {
        "broken.csv": "held",
        "monday": "good_enough",
    }
    assert "broken.csv: held: manifest" in site.output
    assert site.run() == 0
    assert "broken.csv" not in site.output


def test_a_batch_with_bad_input_for_the_run_is_held(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(DataError("the data gate stops the run"))) == 0
    [batch] = site.batches()
    assert (batch.state, batch.reason) == ("held", "the data gate stops the run")


def test_a_rejected_candidate_has_an_exit_code_of_its_own(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(REJECTED)) == 3
    [batch] = site.batches()
    assert (batch.state, batch.run_id, batch.version) == ("rejected", "run 2", None)
    assert batch.reason == "domain 'day': worse; x"
    assert site.events[-1]["version"] is None
    assert site.events[-1]["reason"] == batch.reason
    assert site.output.splitlines()[1:] == ["monday: rejected"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RUN_FAILED, str(RUN_FAILED)),
        (OSError("disk is full"), "disk is full (traceback: LOG)"),
        (ValueError("first line\nlast line"), "ValueError: last line (traceback: LOG)"),
        (KeyError("label"), "KeyError: 'label' (traceback: LOG)"),
        (MemoryError(), "MemoryError: MemoryError (traceback: LOG)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failed_run_is_retried_by_the_next_pass_until_attempts_are_used_up(site, error, message):
    write_colours(site.inbox / "monday", "night", WRONG)
    pipeline = Pipeline(error)
    assert site.run(pipeline, attempts=2) == 1
    [batch] = site.batches()
    log = site.workspace / "logs" / "retrain.log"
    message = message.replace("LOG", str(log))
    assert (batch.state, batch.attempts, batch.reason) == ("taken", 1, message)
    assert f"monday: {message}; the next pass retries it" in site.output
    assert "in __call__" in log.read_text()  # a line of the traceback
    assert type(error).__name__ in log.read_text()
    assert {**site.events[-1], "time": ""} == {
        "event": "failed",
        "time": "",
        "batch": "monday",
        "reason": message,
        "gives_up": False,
    }
    assert site.run(pipeline, attempts=2) == 1
    [batch] = site.batches()
    assert (batch.state, batch.attempts) == ("failed", 2)
    assert "gives_up" not in site.events[-1]
    assert site.run(pipeline, attempts=2) == 0
    assert len(pipeline.snapshots) == 2


@pytest.mark.parametrize("error", [ValueError("a bug"), ZeroDivisionError(), RuntimeError("tf")])
def test_an_unexpected_error_in_one_batch_leaves_the_others_alone(site, error):
    write_colours(site.inbox / "monday", "night", WRONG)
    write_colours(site.inbox / "tuesday", "night", WRONG, seed=200)
    results = iter([error, REJECTED])
    assert site.run(lambda *run: Pipeline(next(results))(*run)) == 1
    assert sorted(site.states()) == ["rejected", "taken"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, KilledError])
def test_an_interrupt_ends_the_pass_and_is_no_attempt(site, end):
    write_colours(site.inbox / "monday", "night", WRONG)
    write_colours(site.inbox / "tuesday", "night", WRONG, seed=200)
    with pytest.raises(end):
        site.run(Pipeline(end()))
    assert [(batch.state, batch.attempts) for batch in site.batches()] == [("taken", 0)] * 2


def test_the_traceback_of_a_failed_run_is_in_the_log_of_the_command_and_shown_with_debug(
    site, tmp_path, capsys
):
    write_colours(site.inbox / "monday", "night", WRONG)
    log = CommandLog()
    log.use_file(tmp_path / "my.log")
    log.start("retrain", [])
    log.debug = True
    assert site.a_pass(Pipeline(OSError("disk is full")), command_log=log).run() == 1
    [batch] = site.batches()
    assert batch.reason == f"disk is full (traceback: {tmp_path / 'my.log'})"
    for text in (capsys.readouterr().err, (tmp_path / "my.log").read_text()):
        assert "Traceback (most recent call last):" in text
        assert "OSError: disk is full" in text


def test_a_failed_run_comes_before_a_rejected_candidate_in_the_exit_code(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    write_colours(site.inbox / "tuesday", "night", WRONG, seed=200)
    results = iter([REJECTED, RUN_FAILED])
    assert site.run(lambda *run: Pipeline(next(results))(*run)) == 1
    assert sorted(site.states()) == ["rejected", "taken"]


def test_an_incomplete_delivery_stays_in_the_inbox(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    (site.inbox / "monday" / "_READY").unlink()
    assert site.run(quiet_seconds=1000) == 0
    assert site.output == (
        "monday: incomplete: it has no _READY. Without that, it is taken when nothing in it has "
        "changed for 1000 s (retrain.quiet_seconds)\n"
    )
    assert site.batches() == []


def test_a_delivery_that_is_removed_before_it_is_copied_is_left_out(site):
    for name in ("monday", "tuesday"):
        write_colours(site.inbox / name, "night", CORRECT)

    def remove_tuesday() -> None:
        shutil.rmtree(site.inbox / "tuesday", ignore_errors=True)

    assert site.run(notices=OnEvent("taken", remove_tuesday)) == 0
    assert "tuesday: the batch was removed while it was copied" in site.output
    assert [batch.name for batch in site.batches()] == ["monday"]


def test_a_delivery_that_is_corrected_before_its_assessment_replaces_the_first(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    with pytest.raises(KilledError):
        site.run(Pipeline(KilledError()))
    write_colours(site.inbox / "monday", "night", CORRECT)
    assert site.run() == 0
    assert site.states() == ["replaced", "good_enough"]


def test_a_preview_prints_every_decision_and_changes_nothing(site):
    write_colours(site.inbox / "bad", "night", WRONG)
    write_colours(site.inbox / "good", "night", CORRECT)
    (site.inbox / "incomplete").mkdir()
    lines = site.preview(quiet_seconds=1000)
    assert [line.split(": ")[:2] for line in sorted(lines)] == [
        ["bad", "retrain"],
        ["good", "good_enough"],
        ["incomplete", "incomplete"],
    ]
    assert not (site.workspace / "batches").exists()
    assert site.batches() == []


def test_without_an_inbox_a_pass_is_an_input_error(site):
    with pytest.raises(InputError, match=r"--inbox DIR"):
        site.run(inbox=None)


def test_a_pass_with_nothing_to_do_needs_neither_tensorflow_nor_beam():
    code = (
        "import sys, pipeline.retraining.retraining_pass;"
        "print({'tensorflow', 'apache_beam', 'tfx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
