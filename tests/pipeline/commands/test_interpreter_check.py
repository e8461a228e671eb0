"""The command under settings of Python that belong to the user."""

import pytest

COMMAND = ("-m", "pipeline.cli", "history", "--workspace", ".")

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def set_all(monkeypatch, variables: dict[str, str]) -> None:
    for name in ("LC_ALL", "LANG", "PYTHONUTF8", "PYTHONCOERCECLOCALE", "PYTHONOPTIMIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "remedy"),
    [
        ({"PYTHONOPTIMIZE": "2"}, "Unset PYTHONOPTIMIZE."),
        (ASCII, "Set PYTHONUTF8=1, or LC_ALL to a UTF-8 locale such as C.UTF-8."),
        (ASCII | {"LC_ALL": "POSIX"}, "Set PYTHONUTF8=1, or LC_ALL to a UTF-8 locale"),
        (ASCII | {"PYTHONIOENCODING": "utf-8"}, "names of files as ascii here"),
    ],
)
def test_settings_that_change_results_are_refused_in_one_line(
    run_python, monkeypatch, variables, remedy
):
    set_all(monkeypatch, variables)
    done = run_python(*COMMAND)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("carryover: Python ")
    assert remedy in line


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "1"},
        {"LC_ALL": "no_SUCH.locale"},
        {"PYTHONOPTIMIZE": "1"},
        {"PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        {"COLUMNS": "0", "LINES": "0", "TERM": "dumb", "TMPDIR": "/nowhere"},
    ],
)
def test_other_settings_are_no_matter(run_python, monkeypatch, variables):
    set_all(monkeypatch, variables)
    done = run_python(*COMMAND)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "no batch has arrived yet\n"
