"""Standard streams, in processes of their own, because pytest redirects those of this process."""

import os
import subprocess
import sys

import pytest

PRINT = """
import sys
from pathlib import Path
from pipeline.terminal.standard_streams import prepare_streams

prepare_streams()
print("before", chr(0xfc), chr(0x2603), chr(0xdce9))
print("on stderr", chr(0x2603), file=sys.stderr)
with open("file", "w") as file:
    file.write("content")
print("after")
print(Path("file").read_text(), file=open("result", "w"))
"""


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("ascii", r"before ? ? \udce9"),
        ("latin-1", "before \xfc ? \\udce9"),
        ("cp1252", "before \xfc ? \\udce9"),
        ("utf-8", "before \xfc \u2603 \\udce9"),
        ("ascii:surrogateescape", r"before ? ? \udce9"),
        ("utf-8:strict", "before \xfc \u2603 \\udce9"),
    ],
)
def test_what_cannot_be_printed_is_replaced_or_escaped(
    run_python, monkeypatch, encoding, line, tmp_path
):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    code = f"{PRINT}\nimport json; print(json.dumps(sys.stdout.encoding), file=open('e', 'w'))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    text = done.stdout.decode(encoding.partition(":")[0])
    assert text.splitlines() == [line, "after"]
    assert done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure_and_no_file_of_ours(tmp_path, closed):
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, PRINT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "file").read_text() == "content"
    assert (tmp_path / "result").read_text() == "content\n"
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_works_with_closed_streams(tmp_path, closed):
    arguments = ["-m", "pipeline.cli", "history", "--workspace", "."]
    command = ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


CAPTURED = """
import sys
from pathlib import Path
from pipeline.logs.captured_output import captured_output

sys.stdin.read()  # until nobody reads what is printed
with captured_output(Path("log")) as console:
    for number in range(100):
        console.print("x" * 1000)
    print("done")
"""


def test_a_run_outlives_the_reader_of_its_output(tmp_path):
    command = [sys.executable, "-c", CAPTURED]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdout and process.stdin
    process.stdout.close()
    process.stdin.close()
    process.wait(60)
    assert process.returncode == 0
    assert (tmp_path / "log").read_text() == "done\n"


def test_the_console_of_a_run_has_the_encoding_of_stdout(run_python, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    show = "with captured_output(Path('log')) as console: console.print(chr(0x2603) + 'a')"
    imports = "from pathlib import Path\nfrom pipeline.logs.captured_output import captured_output"
    assert run_python("-c", f"{imports}\n{show}").stdout == "?a\n"
    assert os.listdir(tmp_path) == ["log"]  # noqa: PTH208
