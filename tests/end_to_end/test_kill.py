"""A run that is killed with SIGKILL goes on behind the last component that had finished."""

import os
import signal
import subprocess
import sys
import time

import pytest
from command import ROOT, carryover, newest_summary, run_arguments

pytestmark = pytest.mark.slow

#: In the order in which they run.
COMPONENTS = (
    "ImageExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "DataGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "ServingCheck",
    "Pusher",
)


def kill_during(component: str, arguments: list[str], seconds: float) -> str:
    """Start the command and kill it, and all that it has started, in the middle of a component.

    `seconds` is how long the component takes; one that is over in a blink may just have ended.
    """
    position = COMPONENTS.index(component)
    before = COMPONENTS[position - 1] if position else "Loading TFX"
    command = [sys.executable, "-u", "-m", "pipeline.cli", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    output = ""
    for line in process.stdout:
        output += line
        if line.startswith(f"+ {before} "):
            break
    time.sleep(seconds / 4)
    os.killpg(process.pid, signal.SIGKILL)
    output += process.stdout.read()
    in_time = process.wait() == -signal.SIGKILL and f"+ {component} " not in output
    assert in_time or seconds < 0.5, output
    return output


def test_a_run_killed_in_every_component_in_turn_finishes_as_an_undisturbed_one(
    finished, data, tmp_path
):
    arguments = run_arguments(data, tmp_path)
    for number, component in enumerate(COMPONENTS):
        output = kill_during(component, arguments, finished.summary["seconds"][component])
        for earlier in COMPONENTS[:number]:
            assert f"+ {earlier:<18} from cache" in output or earlier == COMPONENTS[number - 1]
    done = carryover(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr

    summary = newest_summary(tmp_path)
    assert set(summary["cached"]) == set(COMPONENTS) - {"Pusher"}
    for key in ("status", "pushed_version", "images", "classes", "worst_domain"):
        assert summary[key] == finished.summary[key]
    for name, domain in summary["domains"].items():
        undisturbed = finished.summary["domains"][name]
        assert domain["test_images"] == undisturbed["test_images"]
        assert domain["accuracy"] == pytest.approx(undisturbed["accuracy"], abs=0.01)
    assert [path.name for path in (tmp_path / "serving" / "carryover").iterdir()] == ["1"]


def test_resume_goes_on_without_repeating_the_options(finished, data, tmp_path):
    arguments = run_arguments(data, tmp_path, fine_tuning__epochs=0)
    kill_during("Trainer", arguments, seconds=4)
    done = carryover("run", "--resume", "--workspace", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    summary = newest_summary(tmp_path)
    assert summary["stages"]["fine_tuned"] is None
    assert "Transform" in summary["cached"]

    again = carryover("run", "--resume", "--workspace", str(tmp_path))
    assert again.returncode == 2
    assert "no unfinished run" in again.stderr


def test_ctrl_c_says_how_to_go_on_and_leaves_the_run_unfinished(data, tmp_path):
    arguments = run_arguments(data, tmp_path)
    command = [sys.executable, "-u", "-m", "pipeline.cli", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("+ DataGate "):
            break
    time.sleep(1)  # in the midst of Transform, a Beam job
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.splitlines()[-1].endswith("The same command goes on where it was.")
    [run] = (tmp_path / "runs").iterdir()
    assert not (run / "summary.json").exists()
