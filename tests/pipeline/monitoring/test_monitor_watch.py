"""`carryover monitor --watch` runs a look in a process of its own, again and again."""

import os
import signal
import threading

import pytest
from repository import ROOT
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.monitoring import monitor_command, monitor_watch


def test_looks_follow_each_other_until_a_signal(monkeypatch):
    looks = []

    def look(arguments: list[str], stopped: threading.Event) -> int:
        looks.append(arguments)
        if len(looks) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return 2  # a look that fails stops nothing

    monkeypatch.setattr(monitor_watch, "run_pass", look)
    monitor_watch.watch_traffic(["monitor"], 0.01)
    assert looks == [["monitor"]] * 3


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--json", "--name", "m", "--deliver", "."],
        ["--config", "configs/emoji.yaml", "--set", "notify.command=[a]", "--set", "seed=3"],
    ],
)
def test_a_look_has_the_options_of_the_command(monkeypatch, options):
    looks = []
    monkeypatch.setattr(monitor_command, "read_config", lambda *_: None)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(monitor_watch, "watch_traffic", lambda *given: looks.append(given))
    arguments = ["monitor", "--workspace", "w", "--hours", "3", *options]
    done = CliRunner().invoke(app, [*arguments, "--watch", "--every", "7"])
    assert done.exit_code == 0, done.output
    [(given, seconds)] = looks
    assert seconds == 7
    assert given[0] == "monitor"
    assert all(given.count(one) == options.count(one) for one in options)
    assert given[given.index("--hours") + 1] == "3.0"
