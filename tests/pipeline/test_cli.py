"""The command line: what is printed where, and the exit codes."""

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline import cli, doctor
from pipeline.config.run_config import RunConfig
from pipeline.retraining import inbox_watcher, retraining_commands, retraining_pass
from pipeline.running import local_run
from pipeline.running.run_failure import RunFailedError

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
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["carryover", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, output.out, output.err)

    return call


@pytest.fixture(name="serving")
def _serving(tmp_path: Path) -> VersionStore:
    """A workspace with two versions of a file that is no model."""
    store = VersionStore(tmp_path / "workspace", "shapes")
    model = write_files(tmp_path / "model", {"saved_model.pb": b""})
    store.push(model, PUSH)
    store.push(model, PUSH)
    return store


COMMANDS = ("run", "predict", "report", "serve", "export", "compile", "submit", "retrain", "label")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_imports_nothing_slow(run_python, command):
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
    assert "..." not in done.stdout.split("Commands:")[1]  # no text is cut off


def refusal(done) -> str:
    """Return the message of a refused command, after checking that it is one line with code 2."""
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
        (["run", "--data", ".", "--set", "gate.max_drp=1"], "Did you mean 'gate.max_drop'?"),
        (["run", "--data", ".", "--set", "image_size"], "--set takes key=value"),
        (["run", "--data", "empty"], "layout <domain>/<class>/<picture>"),
        (["run", "--resume"], "--resume takes --workspace DIR and no other option."),
        (["run", "--resume", "--workspace", "w"], "has no unfinished run. Leave --resume out."),
        (
            ["inspect", "--data", "empty", "--output", "/dev/null"],
            "output folder /dev/null cannot be written: File exists. Give another one with",
        ),
        (
            ["compile", "--data", "/d", "--workspace", "/w", "--output", "empty"],
            "output file empty cannot be written: Is a directory. Give another one with",
        ),
        (["predict", "a.png"], "no model has been pushed"),
        (["predict", "a.png", "--csv", "--json"], "--csv and --json exclude each other"),
        (["serve"], "no model has been pushed"),
        (["versions"], "no model has been pushed"),
        (["rollback"], "no model has been pushed"),
        (["report"], "has ended yet. Give the workspace of a run with --workspace DIR"),
        (
            ["report", "--history"],
            "has evaluated a model yet. Give the workspace of a run with --workspace DIR",
        ),
        (["report", "a-run", "--history"], "--history is about all runs: leave RUN out."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_ends_with_one_line_and_exit_code_2(carryover, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    assert message in refusal(carryover(*arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--dta", "x"], "No such option: --dta"),
        (["predict"], "Missing argument 'IMAGE...'"),
        (["unheard-of\n"], "No such command 'unheard-of"),
        (["label", ".", "--port", "99999"], "Invalid value for '--port' / '-p': "),
        (["serve", "--port", "99999"], "Invalid value for '--port' / '-p': "),
        (["export"], "Missing option '--format'"),
        (["--debug"], "Missing command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_ends_with_the_reason_and_the_help_to_read(
    carryover, arguments, message
):
    line = refusal(carryover(*arguments))
    assert line.startswith(message)
    command = arguments[0] if arguments[0] in ("run", "predict", "label", "serve", "export") else ""
    assert line.endswith(f". Run: carryover {command} --help".replace("  ", " "))


def test_without_a_command_the_help_is_shown(carryover):
    done = carryover()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: carryover")


def test_the_exit_code_reaches_the_shell(run_python):
    done = run_python("-m", "pipeline.cli", "run", "--data", "nowhere")
    assert "does not exist. Give a folder or a manifest" in refusal(done)


@pytest.mark.parametrize("python_warnings", ["", "error", "error::DeprecationWarning"])
def test_an_export_prints_nothing_of_the_libraries(
    run_python, monkeypatch, serving, python_warnings
):
    monkeypatch.setenv("PYTHONWARNINGS", python_warnings)
    arguments = ("--format", "tflite-int8", "--workspace", serving.root)
    message = refusal(run_python("-m", "pipeline.cli", "export", *arguments))
    assert "does not list its pictures" in message


def test_a_workspace_inside_of_the_pictures_is_refused(run_python, tmp_path):
    # Its own files would be pictures of the next run, and no two runs the same.
    write_files(tmp_path, {"day/cat/a.png": b""})
    workspace = ("--workspace", tmp_path / "workspace")
    message = refusal(run_python("-m", "pipeline.cli", "run", "--data", tmp_path, *workspace))
    assert str(tmp_path / "workspace") in message


@pytest.mark.parametrize("command", ["run", "inspect", "crossval", "tune"])
@pytest.mark.parametrize("data", ["missing", "empty", "words.csv", "missing.csv", "s3://b/x"])
def test_a_command_that_was_refused_creates_no_workspace(carryover, tmp_path, command, data):
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.csv").write_text("no,such,columns\n")
    refusal(carryover(command, "--data", data, "--workspace", tmp_path / "workspace"))
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize(
    ("command", "folder"),
    [("inspect", "inspection"), ("crossval", "crossval"), ("tune", "tuning")],
)
def test_a_command_that_was_refused_leaves_no_empty_output(carryover, tmp_path, command, folder):
    refusal(carryover(command, "--data", "missing"))
    (tmp_path / "empty").mkdir()
    refusal(carryover(command, "--data", "empty"))
    assert not (tmp_path / folder).exists()


def test_an_output_inside_of_the_pictures_is_refused(carryover, tmp_path):
    write_files(tmp_path, {"day/cat/a.png": b""})
    message = refusal(carryover("inspect", "--data", "."))
    assert (
        f"output folder {tmp_path / 'inspection'} is inside the data folder {tmp_path}" in message
    )
    assert not (tmp_path / "inspection").exists()


def test_a_workspace_that_existed_stays_when_a_command_is_refused(carryover, tmp_path):
    (tmp_path / "workspace").mkdir()
    refusal(carryover("run", "--data", "missing", "--workspace", tmp_path / "workspace"))
    assert not (tmp_path / "workspace" / "runs").exists()
    assert (tmp_path / "workspace").exists()


def test_versions_are_listed(carryover, serving):
    done = carryover("versions", "--workspace", serving.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 (serving)" in done.stdout


def test_a_rollback_takes_the_newest_out_until_one_is_left(carryover, serving):
    done = carryover("rollback", "--workspace", serving.root)
    assert done.returncode == 0
    assert serving.versions() == [1]
    assert "needs an earlier one" in refusal(carryover("rollback", "--workspace", serving.root))


def test_an_unreadable_picture_is_named_with_its_reason_and_exit_code_2(carryover, serving):
    picture = serving.root / "[a].png"
    picture.write_bytes(b"hello")
    done = carryover("predict", picture, "--workspace", serving.root)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"{picture}: not a picture in a known format"]


def test_an_unreadable_picture_whose_name_is_no_utf_8_is_named_too(run_python, serving):
    picture = os.fsdecode(b"caf\xe9.png")
    done = run_python("-m", "pipeline.cli", "predict", picture, "--workspace", serving.root)
    assert done.returncode == 2
    assert "cannot be opened: No such file or directory" in done.stderr


def fail_with(monkeypatch, error: BaseException, module=doctor, function="examine") -> None:
    """Make a command end with an error from inside."""

    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(module, function, fail)


@pytest.mark.parametrize(
    ("error", "message"),
    [(RuntimeError("two\n lines"), "two lines"), (KeyError(), "KeyError")],
    ids=["with words", "without"],
)
def test_a_failure_is_one_line_and_the_path_of_the_log_with_exit_code_1(
    carryover, monkeypatch, tmp_path, error, message
):
    fail_with(monkeypatch, error)
    done = carryover("doctor")
    log = tmp_path / "state" / "carryover" / "logs" / "doctor.log"
    assert (done.returncode, done.stderr) == (1, f"carryover: {message}\nlog: {log}\n")
    assert "Traceback" in log.read_text()


def test_the_log_of_a_command_is_in_its_workspace_with_arguments_traceback_and_exit_code(
    carryover, monkeypatch, tmp_path
):
    write_files(tmp_path / "my workspace", {".lock": b""})
    fail_with(monkeypatch, RuntimeError("broken"))
    done = carryover("doctor", "--workspace", "my workspace")
    log = tmp_path / "my workspace" / "logs" / "doctor.log"
    assert done.stderr.splitlines()[-1] == f"log: {log}"
    first, *_, last = log.read_text().splitlines()
    assert first.endswith(" carryover doctor --workspace 'my workspace'")
    assert "RuntimeError: broken" in log.read_text()
    assert last.endswith(" exit code 1")


def test_a_run_logs_to_the_workspace_of_its_config(carryover, monkeypatch, tmp_path):
    write_files(tmp_path / "w", {".lock": b""})
    (tmp_path / "run.yaml").write_text(f"data: {tmp_path}\nworkspace: w\n")
    fail_with(monkeypatch, RuntimeError("broken"), local_run, "run_pipeline")
    done = carryover("run", "--config", "run.yaml")
    assert done.stderr.splitlines()[-1] == f"log: {tmp_path / 'w' / 'logs' / 'run.log'}"


def test_a_failed_component_names_the_log_of_its_run(carryover, monkeypatch, tmp_path):
    error = RunFailedError("Trainer failed: out of memory", tmp_path / "w" / "logs" / "1.log")
    fail_with(monkeypatch, error, local_run, "run_pipeline")
    done = carryover("run", "--data", tmp_path)
    assert done.stderr.splitlines() == [
        "carryover: Trainer failed: out of memory",
        f"log: {error.log}",
    ]


def test_bad_input_is_in_the_log_too(carryover, tmp_path):
    write_files(tmp_path / "workspace", {".lock": b""})
    refusal(carryover("run", "--data", "nowhere"))
    log = tmp_path / "workspace" / "logs" / "run.log"
    assert "InputError" in log.read_text()
    assert log.read_text().endswith("exit code 2\n")


def test_log_file_names_another_log(carryover, monkeypatch, tmp_path):
    fail_with(monkeypatch, RuntimeError("broken"))
    done = carryover("--log-file", "my.log", "doctor")
    assert done.stderr.splitlines()[-1] == "log: my.log"
    assert "RuntimeError: broken" in (tmp_path / "my.log").read_text()


def test_a_log_file_that_cannot_be_written_is_bad_input(carryover):
    message = refusal(carryover("--log-file", "missing/my.log", "doctor"))
    assert message.startswith("--log-file missing/my.log: No such file or directory.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--dta", "x"], "No such option: --dta"),
        (["predict"], "Missing argument 'IMAGE...'"),
        (["unheard-of"], "No such command 'unheard-of'"),
        (["serve", "--port", "x"], "Invalid value for '--port'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_in_the_log_file(carryover, tmp_path, arguments, message):
    assert carryover("--log-file", "my.log", *arguments).returncode == 2
    first, reason, last = (tmp_path / "my.log").read_text().splitlines()
    assert first.endswith(f" carryover --log-file my.log {' '.join(arguments)}")
    assert message in reason
    assert last.endswith(" exit code 2")


@pytest.mark.parametrize("options", [[], ["--debug"], ["--debug", "--log-file", "my log"]])
def test_a_watcher_gives_its_passes_the_options_of_every_command(carryover, monkeypatch, options):
    calls = []
    config = SimpleNamespace(retrain="options")
    monkeypatch.setattr(retraining_commands, "read_config", lambda *_: config)
    monkeypatch.setattr(inbox_watcher, "watch_inbox", lambda *given: calls.append(given))
    carryover(*options, "watch", "--workspace", "w", "--inbox", "i", "--set", "seed=1", "--json")
    given = ["--json", "--workspace", "w", "--inbox", "i", "--set", "seed=1"]
    assert calls == [([*options, "retrain", *given], "options")]


def test_debug_shows_the_traceback_before_the_message(carryover, monkeypatch):
    fail_with(monkeypatch, RuntimeError("broken"))
    first, *_, message, _ = carryover("--debug", "doctor").stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert message == "carryover: broken"


def test_debug_shows_the_traceback_of_bad_input_too(carryover):
    done = carryover("--debug", "run", "--data", "nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "does not exist" in done.stderr.splitlines()[-1]


def test_a_log_that_cannot_be_written_does_not_hide_the_error(carryover, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing" / "file"))
    (tmp_path / "missing").write_text("")
    fail_with(monkeypatch, RuntimeError("broken"))
    done = carryover("doctor")
    assert (done.returncode, done.stderr) == (1, "carryover: broken\n")


def test_version_is_that_of_the_package_and_of_the_stack(run_python):
    done = run_python("-c", HELP, "--version")
    *lines, imported = done.stdout.splitlines()
    versions = dict(line.split(" ", 1) for line in lines)
    assert versions["carryover"] == metadata.version("carryover")
    assert versions["python"] == platform.python_version()
    assert versions["tfx"] == metadata.version("tfx")
    assert {"tensorflow", "keras", "apache-beam", "numpy"} < set(versions)
    assert json.loads(imported) == []


def test_an_interrupted_command_ends_without_a_traceback(carryover, monkeypatch):
    fail_with(monkeypatch, KeyboardInterrupt())
    done = carryover("doctor")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_an_interrupted_run_says_how_to_resume(carryover, monkeypatch, tmp_path):
    fail_with(monkeypatch, KeyboardInterrupt(), local_run, "run_pipeline")
    done = carryover("run", "--data", tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "carryover: interrupted. Run the same command again to resume.\n",
    )


@pytest.mark.parametrize("command", ["inspect", "crossval", "export", "predict", "retrain"])
def test_every_command_says_that_it_was_interrupted(carryover, monkeypatch, serving, command):
    arguments = {"inspect": ["--data", "."], "crossval": ["--data", "."]}.get(command, [])
    arguments += {"export": ["--format", "onnx"], "predict": ["a.png"]}.get(command, [])
    monkeypatch.setattr(Path, "resolve", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    done = carryover(command, *arguments, "--workspace", serving.root)
    assert done.returncode == 130
    assert done.stderr.startswith("carryover: interrupted.")
    assert len(done.stderr.splitlines()) == 1


def test_an_interrupted_retraining_says_who_resumes_it(carryover, monkeypatch, serving, tmp_path):
    options = {
        "name": "shapes",
        "data": ".",
        "workspace": serving.root,
        "retrain": {"inbox": tmp_path},
    }
    monkeypatch.setattr(retraining_commands, "read_config", lambda *_: RunConfig(**options))
    monkeypatch.setattr(retraining_commands, "_describe_dropped", lambda _: "")
    fail_with(monkeypatch, KeyboardInterrupt(), retraining_pass.RetrainingPass, "run")
    done = carryover("retrain", "--workspace", serving.root, "--inbox", tmp_path)
    assert (done.returncode, done.stderr) == (
        130,
        "carryover: interrupted. The next pass resumes what this one has begun.\n",
    )


@pytest.mark.parametrize("code", [0, 1])
def test_the_exit_code_of_a_command_is_that_of_the_process(carryover, monkeypatch, code):
    monkeypatch.setattr(doctor, "examine", lambda *_: code)
    assert carryover("doctor").returncode == code


def test_doctor_checks_a_missing_workspace_without_creating_it(carryover, tmp_path):
    done = carryover("doctor", "--workspace", tmp_path / "deep" / "workspace")
    lines = done.stdout.splitlines()
    assert all(line.startswith(("+ ", "x ")) for line in lines)
    assert done.returncode == (1 if any(line.startswith("x ") for line in lines) else 0)
    assert any(line.startswith("+ TFX ") for line in lines)
    assert any("is writable" in line for line in lines)
    assert not (tmp_path / "deep").exists()


def test_a_port_in_use_is_reported_before_anything_is_loaded(carryover, serving):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = carryover("serve", "--port", str(port), "--workspace", serving.root)
    assert refusal(done).startswith(f"cannot listen on 127.0.0.1, port {port}: ")


@pytest.mark.parametrize("command", ["retrain", "watch"])
def test_a_config_that_names_another_workspace_than_the_default_is_refused_with_the_option(
    carryover, tmp_path, command
):
    config = tmp_path / "run.yaml"
    config.write_text("data: pictures\nworkspace: my other\n")
    done = carryover(command, "--config", config)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        f"carryover: config file {config} names the workspace {tmp_path / 'my other'}, and without "
        f"--workspace this command uses {tmp_path / 'workspace'}. Give --workspace "
        f"'{tmp_path / 'my other'}'."
    )
    config.write_text("data: pictures\n")
    assert "no model has been pushed" in carryover(command, "--config", config).stderr
