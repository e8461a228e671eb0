"""The command line: what is printed where, and the exit codes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline import cli, doctor
from pipeline.running import local_run

#: What takes seconds to import.
HEAVY = ("tensorflow", "keras", "tfx", "apache_beam", "tensorflow_model_analysis", "numpy")

HELP = f"""
import json, sys
from pipeline.cli import main

try:
    main()
except SystemExit:
    pass
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""

PUSH = Push("digest", "run", "key", None, "2024-01-01T00:00:00+00:00", {"day": {"accuracy": 0.75}})


@pytest.fixture(name="carryover")
def _carryover(tmp_path, monkeypatch, capsys):
    """Calls the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["carryover", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, output.out, output.err)

    return call


@pytest.fixture(name="serving")
def _serving(tmp_path: Path) -> VersionStore:
    """A workspace with two versions of something that is no model."""
    store = VersionStore(tmp_path / "workspace", "shapes")
    model = write_files(tmp_path / "model", {"saved_model.pb": b""})
    store.push(model, PUSH)
    store.push(model, PUSH)
    return store


COMMANDS = ("run", "predict", "report", "serve", "export", "compile", "submit", "retrain")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_imports_nothing_that_is_slow(run_python, command):
    done = run_python("-c", HELP, *command, "--help")
    *text, imported = done.stdout.splitlines()
    assert "Usage:" in "".join(text)
    assert json.loads(imported) == []


def test_the_commands_are_listed_in_the_help(carryover):
    done = carryover("--help")
    assert done.returncode == 0
    assert all(
        name in done.stdout
        for name in ("run", "predict", "serve", "versions", "rollback", "doctor")
    )


def refusal(done) -> str:
    """The one line that a user is told, after checking that it is one and the code says why."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("carryover: ")
    return line.removeprefix("carryover: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "config key 'data' is missing. Give --data DIR."),
        (["run", "--data", "nowhere"], "does not exist. Give a folder or a manifest"),
        (["run", "--config", "nowhere.yaml"], "No such file or directory. Name an existing file."),
        (["run", "--data", ".", "--set", "gate.max_drp=1"], "Did you mean 'max_drop'?"),
        (["run", "--data", ".", "--set", "image_size"], "--set wants key=value"),
        (["run", "--data", "empty"], "layout <domain>/<class>/<picture>"),
        (["run", "--resume"], "--resume takes --workspace DIR and no other option."),
        (["run", "--resume", "--workspace", "w"], "has no unfinished run. Leave --resume out."),
        (["predict", "a.png"], "no model has been pushed"),
        (["predict", "a.png", "--csv", "--json"], "--csv and --json exclude each other"),
        (["serve"], "no model has been pushed"),
        (["versions"], "no model has been pushed"),
        (["rollback"], "no model has been pushed"),
        (["report"], "has ended yet. Run: carryover run"),
        (["report", "--history"], "has tested a model yet. Run: carryover run"),
        (["report", "a-run", "--history"], "--history is about all runs: leave RUN out."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_answered_in_one_line_with_exit_code_2(
    carryover, tmp_path, arguments, message
):
    (tmp_path / "empty").mkdir()
    assert message in refusal(carryover(*arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--dta", "x"], "No such option: --dta"),
        (["predict"], "Missing argument 'IMAGE...'"),
        (["unheard-of"], "No such command 'unheard-of'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_line_that_is_not_understood_says_why_with_exit_code_2(
    carryover, arguments, message
):
    done = carryover(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_exit_code_reaches_the_shell(run_python):
    done = run_python("-m", "pipeline.cli", "run", "--data", "nowhere")
    assert "does not exist. Give a folder or a manifest" in refusal(done)


def test_a_workspace_inside_of_the_pictures_is_refused(run_python, tmp_path):
    # Its own files would be pictures of the next run, and no two runs the same.
    write_files(tmp_path, {"day/cat/a.png": b""})
    workspace = ("--workspace", tmp_path / "workspace")
    message = refusal(run_python("-m", "pipeline.cli", "run", "--data", tmp_path, *workspace))
    assert str(tmp_path / "workspace") in message


def test_a_run_that_was_refused_leaves_no_run_behind(carryover, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    refusal(carryover("run", "--data", data, "--workspace", tmp_path / "workspace"))
    assert not (tmp_path / "workspace" / "runs").exists()


def test_versions_are_listed(carryover, serving):
    done = carryover("versions", "--workspace", serving.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 (serves)" in done.stdout


def test_a_rollback_takes_the_newest_out_until_one_is_left(carryover, serving):
    done = carryover("rollback", "--workspace", serving.root)
    assert done.returncode == 0
    assert serving.versions() == [1]
    assert "needs an earlier one" in refusal(carryover("rollback", "--workspace", serving.root))


def test_an_unreadable_picture_is_told_with_its_reason_and_exit_code_2(carryover, serving):
    picture = serving.root / "[a].png"
    picture.write_bytes(b"hello")
    done = carryover("predict", picture, "--workspace", serving.root)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"{picture}: not a picture in a known format"]


def test_an_unreadable_picture_whose_name_is_no_utf_8_is_told_too(run_python, serving):
    picture = os.fsdecode(b"caf\xe9.png")
    done = run_python("-m", "pipeline.cli", "predict", picture, "--workspace", serving.root)
    assert done.returncode == 2
    assert "cannot be opened: No such file or directory" in done.stderr


def fail_with(monkeypatch, error: BaseException) -> None:
    """Make a command end with an error from inside."""

    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(doctor, "examine", fail)


@pytest.mark.parametrize(
    ("error", "message"),
    [(RuntimeError("two\n lines"), "two lines"), (KeyError(), "KeyError")],
    ids=["with words", "without"],
)
def test_an_error_that_is_not_the_users_is_one_line_with_exit_code_1(
    carryover, monkeypatch, error, message
):
    fail_with(monkeypatch, error)
    done = carryover("doctor")
    assert (done.returncode, done.stderr) == (1, f"carryover: {message}\n")


def test_an_interrupted_command_ends_as_one_without_a_traceback(carryover, monkeypatch):
    fail_with(monkeypatch, KeyboardInterrupt())
    done = carryover("doctor")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_an_interrupted_run_says_how_to_go_on(carryover, monkeypatch, tmp_path):
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(local_run, "run_pipeline", interrupted)
    done = carryover("run", "--data", tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "carryover: interrupted. The same command goes on where it was.\n",
    )


@pytest.mark.parametrize("code", [0, 1])
def test_the_exit_code_of_a_command_is_that_of_the_process(carryover, monkeypatch, code):
    monkeypatch.setattr(doctor, "examine", lambda *_: code)
    assert carryover("doctor").returncode == code


def test_doctor_looks_at_an_empty_workspace_and_leaves_it_alone(carryover, tmp_path):
    done = carryover("doctor", "--workspace", tmp_path / "deep" / "workspace")
    lines = done.stdout.splitlines()
    assert all(line.startswith(("+ ", "x ")) for line in lines)
    assert done.returncode == (1 if any(line.startswith("x ") for line in lines) else 0)
    assert any(line.startswith("+ TFX ") for line in lines)
    assert any("can be written" in line for line in lines)
    assert not (tmp_path / "deep").exists()


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(carryover, serving):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = carryover("serve", "--port", str(port), "--workspace", serving.root)
    assert refusal(done).startswith(f"cannot listen on 127.0.0.1, port {port}: ")
