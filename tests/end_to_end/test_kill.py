"""A run that is killed with SIGKILL goes on behind the last component that had finished."""

import contextlib
import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
import warm_process
from command import carryover, newest_summary, run_arguments

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


@contextlib.contextmanager
def started(
    arguments: list[str], errors: Path | None = None
) -> Iterator[tuple[warm_process.WarmProcess, TextIO]]:
    """The command as a process in a group of its own, and its output as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder, "stdout")
        os.mkfifo(pipe)
        # Open for both directions first: opening one end alone would wait for the other one.
        both = os.open(pipe, os.O_RDWR)
        process = warm_process.start(
            "pipeline.cli", arguments, stdout=pipe, stderr=errors or Path(os.devnull)
        )
        with pipe.open() as lines:
            os.close(both)
            try:
                yield process, lines
            finally:
                process.kill_group()


def read_to(lines: TextIO, start: str) -> str:
    """Read the output up to the line that begins so."""
    output = ""
    for line in lines:
        output += line
        if line.startswith(start):
            return output
    raise AssertionError(f"the output ended without a line '{start}': {output}")


def kill_during(component: str, arguments: list[str], seconds: float) -> str:
    """Start the command and kill it, and all that it has started, in the middle of a component.

    `seconds` is how long the component takes; one that is over in a blink may just have ended, also
    where it had taken longer on a busy machine.
    """
    position = COMPONENTS.index(component)
    before = COMPONENTS[position - 1] if position else "Loading TFX"
    with started(arguments) as (process, lines):
        output = read_to(lines, f"+ {before} ")
        time.sleep(seconds / 4)
        process.kill_group()
        output += lines.read()
    in_time = process.wait() == -signal.SIGKILL and f"+ {component} " not in output
    took = re.search(rf"^\+ {component} +([\d.]+) s$", output, re.MULTILINE)
    assert in_time or seconds < 0.5 or (took and float(took[1]) < 0.5), output
    return output


def test_a_run_killed_in_every_component_in_turn_is_resumed_to_the_result_of_an_undisturbed_one(
    finished, data, tmp_path
):
    arguments = run_arguments(data, tmp_path)
    for number, component in enumerate(COMPONENTS):
        output = kill_during(component, arguments, finished.summary["seconds"][component])
        for earlier in COMPONENTS[:number]:
            assert f"+ {earlier:<18} from cache" in output or earlier == COMPONENTS[number - 1]
    # Without the options, which a resumed run takes from the one that was killed.
    resume = ("run", "--resume", "--workspace", str(tmp_path))
    done = carryover(*resume)
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

    again = carryover(*resume)
    assert again.returncode == 2
    assert "no unfinished run" in again.stderr


def test_ctrl_c_says_how_to_go_on_and_leaves_the_run_unfinished(data, tmp_path):
    arguments = run_arguments(data, tmp_path)
    errors = tmp_path / "errors"
    with started(arguments, errors) as (process, lines):
        read_to(lines, "+ DataGate ")
        time.sleep(1)  # in the midst of Transform, a Beam job
        process.send_signal(signal.SIGINT)
        assert re.search(r"x Transform +interrupted after ", lines.read())
        assert process.wait(60) == 1
    assert errors.read_text().splitlines()[-1].endswith("Run the same command again to resume.")
    [run] = (tmp_path / "runs").iterdir()
    assert not (run / "summary.json").exists()
