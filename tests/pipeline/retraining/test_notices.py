import io
import json
import sys

import pytest

from pipeline.retraining.notices import Notices
from trainer_module.contract.errors import InputError

COPY = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"


def test_every_event_is_a_line_of_json_and_the_command_gets_some_events(tmp_path):
    stream, received = io.StringIO(), tmp_path / "received"
    notices = Notices(stream, (sys.executable, "-c", COPY, str(received)))
    notices.send("taken", batch="a")
    notices.send("pushed", batch="a", version=2)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["taken", "pushed"]
    assert lines[1]["version"] == 2
    assert [json.loads(line)["event"] for line in received.read_text().splitlines()] == ["pushed"]


def test_a_command_that_fails_is_reported_and_stops_nothing(capsys):
    Notices(None, (sys.executable, "-c", "raise SystemExit(3)")).send("failed", batch="a")
    Notices(None, ("/no/such/program",)).send("failed", batch="a")
    first, second = capsys.readouterr().err.splitlines()
    assert "exit status 3" in first
    assert "No such file or directory" in second


def test_the_arguments_of_a_command_that_fails_are_not_shown(capsys, monkeypatch):
    exits, waits = "raise SystemExit(3)", "import time; time.sleep(60)"
    Notices(None, (sys.executable, "-c", exits, "hunter2")).send("failed", batch="a")
    monkeypatch.setattr("pipeline.retraining.notices.COMMAND_TIMEOUT", 0.1)
    Notices(None, (sys.executable, "-c", waits, "hunter2")).send("failed", batch="a")
    Notices(None, ("/no/such/program", "hunter2")).send("failed", batch="a")
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == f"carryover: notify.command {sys.executable} failed: exit status 3"
    assert second.endswith("failed: no exit within 0.1 seconds")
    assert third.endswith("/no/such/program failed: No such file or directory")


def test_a_pass_that_fails_is_told_in_one_line(tmp_path):
    stream, received = io.StringIO(), tmp_path / "received"
    notices = Notices(stream, (sys.executable, "-c", COPY, str(received)))
    with pytest.raises(InputError), notices.tell_failure():
        raise InputError("inbox /inbox cannot be read: Permission denied. Give another")
    with notices.tell_failure():
        pass
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "pass_failed"
    assert json.loads(line)["reason"].startswith("inbox /inbox cannot be read: Permission denied")
    assert json.loads(received.read_text()) == json.loads(line)
