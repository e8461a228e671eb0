"""Every command with names that try to forge its output or its log."""

import io
import json
import sys
from pathlib import Path

import pytest
from hostile_names import HOSTILE, NOT_UTF8_EITHER, SHOWN, unprintable
from tiny_pictures import solid, write_files

from components.pusher.version_store import Push, VersionStore
from pipeline import cli
from pipeline.doctor import Check
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.notices import Notices

JOB = ("--engine", "training-job", "--set", "kubeflow.image=a")

#: Arguments that bring a hostile name into the output of a command, by the name of the command.
COMMANDS = {
    "run": [["--data", HOSTILE], ["--data", ".", "--set", f"{HOSTILE}=1"], ["--config", HOSTILE]],
    "inspect": [["--data", HOSTILE], ["--data", NOT_UTF8_EITHER]],
    "crossval": [["--data", HOSTILE], ["--data", ".", "--set", f"gate.max_drop={HOSTILE}"]],
    "tune": [["--data", HOSTILE], ["--data", ".", "--set", f"fine_tuning.views={HOSTILE}"]],
    "join": [["--workspace", HOSTILE, HOSTILE]],
    "manifest": [
        ["pictures", "--output", f"{HOSTILE}.csv"],
        [HOSTILE, "--output", "a.csv", "--domain", "d"],
        ["pictures", "--output", HOSTILE],
    ],
    "report": [["--workspace", HOSTILE], ["--history", "--workspace", HOSTILE]],
    "predict": [
        ["a.png", "--workspace", HOSTILE],
        ["a", "--workspace", "models", "--name", HOSTILE],
    ],
    "serve": [["--workspace", HOSTILE], ["--workspace", "models", "--name", HOSTILE]],
    "export": [["--format", "saved-model", "--workspace", HOSTILE], ["--format", HOSTILE]],
    "bundle": [["--workspace", HOSTILE], ["--workspace", "models", "--name", HOSTILE]],
    "publish": [
        ["--workspace", HOSTILE],
        ["--workspace", "models", "--config", "c.yaml", "--set", f"publish.bundles={HOSTILE}"],
    ],
    "versions": [["--workspace", "models"], ["--workspace", HOSTILE]],
    "rollback": [["--workspace", HOSTILE], ["--workspace", "models", "--name", HOSTILE]],
    "clean": [
        ["--workspace", HOSTILE],
        ["--workspace", "models"],
        ["--workspace", "models", "--name", HOSTILE],
    ],
    "forget": [
        ["--workspace", HOSTILE, "--group", "a"],
        ["--workspace", "models", "--path", HOSTILE],
        ["--workspace", "models", "--batch", HOSTILE],
        ["--workspace", "models", "--group", "a", "--receipt", f"{HOSTILE}/a"],
    ],
    "retrain": [["--workspace", "models", "--config", "c.yaml", "--inbox", HOSTILE]],
    "watch": [["--workspace", "models", "--config", "c.yaml", "--inbox", HOSTILE]],
    "history": [["--workspace", "models"]],
    "label": [[HOSTILE], ["pictures", "--classes-from", HOSTILE]],
    "monitor": [
        ["--workspace", HOSTILE],
        ["--workspace", "models", "--name", HOSTILE],
        ["--workspace", "models", "--deliver", HOSTILE],
    ],
    "select": [
        ["--workspace", HOSTILE, "--data", "pictures", "--count", "1", "--output", "o"],
        ["--workspace", "models", "--data", HOSTILE, "--count", "1", "--output", "o"],
    ],
    "accept": [[HOSTILE, "--reason", "r", "--workspace", "models"]],
    "compile": [
        ["--data", "/a", "--workspace", f"/{HOSTILE}", *JOB],
        ["--engine", HOSTILE],
    ],
    "submit": [[HOSTILE, "--host", "http://localhost:1"]],
    "doctor": [["--workspace", HOSTILE]],
}

CALLS = [(name, arguments) for name, calls in COMMANDS.items() for arguments in calls]


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch) -> Path:
    """A folder with pictures, versions and batches of hostile names, as the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("pipeline.doctor._devices", _no_devices)
    picture = f"pictures/{NOT_UTF8_EITHER}/{HOSTILE}/a.png"
    write_files(tmp_path, {picture: solid("red"), f"pictures/{HOSTILE}/b/{HOSTILE}.png": b"x"})
    write_files(tmp_path, {"c.yaml": b"name: shapes\ndata: pictures\n"})
    store = VersionStore(tmp_path / "models", "shapes")
    model = write_files(tmp_path / "model", {"saved_model.pb": b""})
    for number in range(2):
        domains = {HOSTILE: {"accuracy": 0.5}}
        store.push(model, Push(f"digest {number}", HOSTILE, "key", None, "2024-01-01", domains))
    Ledger(store.root).add(HOSTILE, f"/inbox/{HOSTILE}", "digest", "stamp", f"held: {HOSTILE}")
    return tmp_path


def _no_devices() -> Check:
    return Check(False, f"TensorFlow does not start: {HOSTILE}")


def test_every_command_is_tried():
    names = {
        command.name or command.callback.__name__.rstrip("_")
        for command in cli.app.registered_commands
        if command.callback
    }
    assert names == set(COMMANDS)


@pytest.mark.parametrize(
    ("name", "arguments"), CALLS, ids=[str(number) for number in range(len(CALLS))]
)
def test_no_name_reaches_the_terminal_or_a_log_as_it_is(
    folder, monkeypatch, capfdbinary, name, arguments
):
    monkeypatch.setattr(sys, "argv", ["carryover", "--debug", name, *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    output = capfdbinary.readouterr()
    shown = (output.out + output.err).decode()
    assert r"\x1b" in shown or r"\udcff" in shown
    assert unprintable(shown) == []
    for path in folder.rglob("*.log"):
        assert unprintable(path.read_text(encoding="utf-8")) == []


def test_the_ledger_shows_a_name_in_one_piece(folder, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(sys, "argv", ["carryover", "history", "--workspace", "models"])
    with pytest.raises(SystemExit):
        cli.main()
    assert f" {SHOWN} " in capsys.readouterr().out


def test_events_are_exact_in_escapes_of_json():
    stream = io.StringIO()
    Notices(stream).send("held", batch=NOT_UTF8_EITHER)
    [line] = stream.getvalue().splitlines()
    assert unprintable(line) == []
    assert json.loads(line)["batch"] == NOT_UTF8_EITHER


def test_no_module_prints_past_the_room_that_makes_names_printable():
    """Rich's markup and console, and Click's echo, print a name as it is."""
    root = Path(cli.__file__).parent
    escaping = ("rich.markup", "typer.echo", "click.echo", " Console(", "(Console(", "=Console(")
    found = [
        f"{path.relative_to(root)}: {words}"
        for path in root.rglob("*.py")
        for words in escaping
        if words in path.read_text(encoding="utf-8") and path.parent.name != "terminal"
    ]
    assert found == []
