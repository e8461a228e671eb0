"""Output is captured in separate processes, because pytest redirects stdout and stderr."""

import logging

import pytest

from pipeline.logs import OUR_LOGGER, VERDICT_LOGGER
from pipeline.logs.captured_output import relayed_messages

CAPTURE = """
import logging, os, subprocess, sys
from pathlib import Path
from pipeline.logs.captured_output import captured_output

print("before")
with captured_output(Path(sys.argv[1])) as console:
    print("print")
    print("print to stderr", file=sys.stderr)
    os.write(1, b"descriptor 1\\n")
    os.write(2, b"descriptor 2\\n")
    subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    console.print("for the user, \\u2603")
print("after")
print("after on stderr", file=sys.stderr)
"""

FAIL = """
import sys
from pathlib import Path
from pipeline.logs.captured_output import captured_output

try:
    with captured_output(Path(sys.argv[1])):
        print("in between", end="")
        raise ValueError
except ValueError:
    print("after")
"""


def test_everything_but_the_console_goes_to_the_file(run_python, tmp_path):
    log = tmp_path / "logs" / "run.log"
    done = run_python("-c", CAPTURE, log)
    assert done.stdout.splitlines() == ["before", "for the user, \u2603", "after"]
    assert done.stderr.splitlines() == ["after on stderr"]
    assert sorted(log.read_text().splitlines()) == [
        *("child", "descriptor 1", "descriptor 2", "print", "print to stderr"),
    ]


LIBRARY = """
import logging, sys
from pathlib import Path
from pipeline.logs.captured_output import captured_output
from pipeline.logs.command_log import CommandLog
from pipeline.logs.warnings_log import log_warnings

log = CommandLog("run")
log.use_file(Path("command.log"))
log_warnings(log)
with captured_output(Path(sys.argv[1])):
    logging.warning("in the run")
    logging.getLogger("tensorflow").error("failed")
logging.warning("after the run")
log.finish(0)
"""


def test_what_libraries_log_during_a_run_is_in_its_log(run_python, tmp_path):
    done = run_python("-c", LIBRARY, tmp_path / "run.log")
    assert (done.stdout, done.stderr) == ("", "")
    text = (tmp_path / "run.log").read_text()
    assert text == "WARNING:root:in the run\nERROR:tensorflow:failed\n"
    command_log = (tmp_path / "command.log").read_text()
    assert "after the run" in command_log
    assert "in the run" not in command_log


def test_after_an_error_stdout_is_what_it_was(run_python, tmp_path):
    log = tmp_path / "run.log"
    done = run_python("-c", FAIL, log)
    assert (done.stdout, done.returncode) == ("after\n", 0)
    assert log.read_text() == "in between"


def test_an_existing_log_is_appended_to(run_python, tmp_path):
    log = tmp_path / "run.log"
    log.write_text("first\n")
    run_python("-c", FAIL, log)
    assert log.read_text() == "first\nin between"


FULL_DISK = """
import logging, os, sys
from pathlib import Path
from pipeline.logs.captured_output import captured_output

handler = logging.StreamHandler(sys.stderr)  # of a library that keeps the stream
with captured_output(Path("/dev/full")) as console:
    print("print" * 5000)
    print("print to stderr", file=sys.stderr, flush=True)
    sys.stderr.writelines(["a line\\n"])
    logging.basicConfig(stream=sys.stderr)
    logging.error("logged")
    handler.emit(logging.makeLogRecord({"msg": "kept"}))
    console.print("for the user")
print("after")
print("after on stderr", file=sys.stderr)
"""


def test_a_full_disk_drops_what_libraries_print_and_fails_nothing(run_python):
    done = run_python("-c", FULL_DISK)
    assert done.returncode == 0
    assert done.stdout == "for the user\nafter\n"
    assert done.stderr == "after on stderr\n"


@pytest.mark.parametrize("name", [OUR_LOGGER, f"{OUR_LOGGER}.trainer"])
def test_messages_of_our_loggers_are_relayed_while_the_context_lasts(name):
    said: list[str] = []
    with relayed_messages(said.append):
        logging.getLogger(name).info("epoch %d", 1)
        logging.getLogger(name).debug("too much")
        logging.getLogger("tensorflow").warning("noise")
        logging.getLogger(VERDICT_LOGGER).warning("the summary tells it")
    logging.getLogger(name).info("too late")
    assert said == ["epoch 1"]


FORGE = """
import sys
from pathlib import Path
from pipeline.logs.captured_output import captured_output, log_traceback

with captured_output(Path(sys.argv[1])):
    try:
        raise ValueError(chr(10).join(["name", "INFO:forged" + chr(27)]))
    except ValueError:
        log_traceback()
"""


def test_a_traceback_in_the_log_of_a_run_is_one_entry(tmp_path, run_python):
    run_python("-c", FORGE, tmp_path / "run.log")
    first, *rest = (tmp_path / "run.log").read_text().splitlines()
    assert first == "Traceback (most recent call last):"
    assert all(line.startswith("  ") for line in rest)
    assert rest[-2:] == ["  ValueError: name", r"  INFO:forged\x1b"]
