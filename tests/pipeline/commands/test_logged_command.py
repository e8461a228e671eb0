from pathlib import Path

import pytest
import typer.main

from pipeline.cli import app

COMMANDS = typer.main.get_command(app).commands

#: A value for every option that is needed, and is no path.
NEEDED = {"count": "1", "form": "onnx", "host": "localhost", "reason": "why"}


def paths(values: dict) -> list[Path]:
    """Return all paths among the values of parameters."""
    lists = (value if isinstance(value, list) else [value] for value in values.values())
    return [path for values in lists for path in values if isinstance(path, Path)]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_path_of_a_command_may_begin_with_the_home_folder(name, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    command, words, expected = COMMANDS[name], [], 0
    for parameter in command.params:
        is_argument = parameter.param_type_name == "argument"
        option = "" if is_argument else f"{max(parameter.opts, key=len)}="
        if "Path" in str(parameter.type_descriptor.annotation):
            words.append(f"{option}~/x")
            expected += 1
        elif parameter.name in NEEDED:
            words.append(f"{option}{NEEDED[parameter.name]}")
    found = paths(command.make_context(name, words).params)
    assert found == [Path("/home/me/x")] * expected


def test_a_name_in_the_working_directory_that_begins_like_the_home_folder_is_kept(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    context = COMMANDS["predict"].make_context("predict", ["./~/1.png", "~/2.png", "3.png"])
    assert context.params["images"] == [Path("~/1.png"), Path("/home/me/2.png"), Path("3.png")]


def test_the_log_file_may_be_in_the_home_folder(run_python, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ("--log-file=~/x.log", "versions", "-w", str(tmp_path / "none"))
    assert run_python("-m", "pipeline.cli", *words).returncode == 2
    assert "exit code 2" in (tmp_path / "x.log").read_text()
