"""Python processes in a working directory with anything in it."""

import os
import subprocess
from pathlib import Path

import pytest
from repository import ROOT
from tiny_pictures import write_files

from trainer_module.contract.child_process import isolated_module, isolated_python

SHADOW = b"raise SystemExit('a file of the user was imported')"


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name",
    [
        "pipeline/__init__.py",
        "trainer_module.py",
        "components/pusher/version_store.py",
        "random.py",
        "runpy.py",
        "typer/__init__.py",
    ],
)
def test_a_file_in_the_working_directory_is_not_imported(tmp_path, name):
    write_files(tmp_path, {name: SHADOW})
    code = "import random, components.pusher.version_store as store; print(store.__file__)"
    assert run(isolated_python(code), tmp_path).startswith(str(ROOT))
    assert "Usage" in run([*isolated_module("pipeline.cli"), "--help"], tmp_path)


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_modules_on_pythonpath_are_found(tmp_path, safe_path):
    write_files(tmp_path, {"on path/users_module.py": b"print('found')"})
    environment = {"PYTHONPATH": str(tmp_path / "on path"), "PYTHONSAFEPATH": safe_path}
    assert run(isolated_python("import users_module"), tmp_path, **environment) == "found"


def test_a_module_gets_its_arguments(tmp_path):
    write_files(tmp_path, {"on path/show.py": b"import sys; print(__name__, sys.argv[1:])"})
    command = [*isolated_module("show"), "a b", "--c"]
    shown = run(command, tmp_path, PYTHONPATH=str(tmp_path / "on path"))
    assert shown == "__main__ ['a b', '--c']"
