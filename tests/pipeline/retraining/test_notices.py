import io
import json
import sys

from pipeline.retraining.notices import Notices

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
