import pytest

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


@pytest.mark.component
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,domain,label\nday\\a.png,day,cat\n", "line 2: day\\a.png: cannot be opened: "),
        ("path,domain,label,split\na.png,day,cat,Val\n", "Received: Val. Write eval"),
        ("file;domain;label\n", "Rename file to path"),
    ],
)
def test_a_refused_manifest_is_one_line_on_the_terminal(run_python, tmp_path, text, words):
    (tmp_path / "m.csv").write_text(text)
    done = run_python("-m", "pipeline.cli", "inspect", "--data", "m.csv", "--output", "out")
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("carryover: manifest ")
    assert words in line
