import logging

import pytest

from pipeline.logs.command_log import CommandLog
from pipeline.logs.warnings_log import log_warnings

WARN = "import warnings; warnings.warn('old thing,\\nuse another', {}, stacklevel=1)"


@pytest.mark.parametrize("category", ["FutureWarning", "UserWarning", "RuntimeWarning"])
def test_a_warning_is_in_the_log_and_not_on_the_terminal(run_python, tmp_path, category):
    code = (
        "from pathlib import Path\n"
        "from pipeline.logs.command_log import CommandLog\n"
        "from pipeline.logs.warnings_log import log_warnings\n"
        "log = CommandLog()\n"
        "log_warnings(log)\n"
        "log.start('inspect', [])\n"
        f"log.use_file(Path({str(tmp_path / 'log')!r}))\n"
        f"{WARN.format(category)}\n"
        "log.finish(0)"
    )
    done = run_python("-c", code)
    assert (done.stdout, done.stderr) == ("", "")
    assert f"{category}: old thing, use another (" in (tmp_path / "log").read_text()


def test_what_a_library_logs_without_a_handler_is_in_the_log_too(tmp_path, capsys):
    log = CommandLog()
    log.start("report", [])
    log.use_file(tmp_path / "log")
    log_warnings(log)
    library = logging.Logger("matplotlib")
    library.info("not kept")
    library.warning("mkdir -p failed for %s", "/home")
    log.finish(0)
    assert capsys.readouterr().err == ""
    text = (tmp_path / "log").read_text()
    assert "WARNING matplotlib: mkdir -p failed for /home" in text
    assert "not kept" not in text


def test_what_a_library_logs_with_the_root_logger_is_in_the_log_once(run_python, tmp_path):
    code = (
        "import logging\n"
        "from pathlib import Path\n"
        "from pipeline.logs.command_log import CommandLog\n"
        "from pipeline.logs.warnings_log import log_warnings\n"
        "log = CommandLog()\n"
        "log_warnings(CommandLog())\n"
        "log_warnings(log)\n"
        "log.start('inspect', [])\n"
        f"log.use_file(Path({str(tmp_path / 'log')!r}))\n"
        "logging.warning('retry')\n"
        "logging.getLogger('apache_beam').error('no credentials')\n"
        "logging.getLogger('carryover.ingestion').warning('ours')\n"
        "log.finish(0)"
    )
    done = run_python("-c", code)
    assert (done.stdout, done.stderr) == ("", "")
    entries = [line.split(" ", 1)[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert entries[1:-1] == [
        "WARNING root: retry",
        "ERROR apache_beam: no credentials",
        "WARNING carryover.ingestion: ours",
    ]


REFUSED_MANIFESTS = {
    "path,domain,label\nday\\a.png,day,cat\n": "line 2: day\\a.png: cannot be opened: ",
    "path,domain,label,split\na.png,day,cat,Val\n": "Received: Val. Write eval",
    "file;domain;label\n": "Rename file to path",
}

INSPECT = """
import sys
from pipeline.cli import main

for path in sys.argv[1:]:
    sys.argv = ["carryover", "inspect", "--data", path, "--output", "out"]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 2, ended.code
    else:
        raise AssertionError("the command did not end")
"""


@pytest.mark.component
def test_a_refused_manifest_is_one_line_on_the_terminal(run_python, tmp_path):
    paths = [f"{number}.csv" for number in range(len(REFUSED_MANIFESTS))]
    for path, text in zip(paths, REFUSED_MANIFESTS, strict=True):
        (tmp_path / path).write_text(text)
    done = run_python("-c", INSPECT, *paths)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    for line, words in zip(done.stderr.splitlines(), REFUSED_MANIFESTS.values(), strict=True):
        assert line.startswith("carryover: manifest ")
        assert words in line
