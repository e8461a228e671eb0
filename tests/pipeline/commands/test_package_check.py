"""The command where a folder of the user has the name of one of our packages."""

import os
import re
import subprocess
import sys

import pytest
from repository import ROOT
from tiny_pictures import write_files

COMMAND = "from pipeline.cli import main; main()"


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("components/__init__.py", "components"),
        ("components.py", "components"),
        ("trainer_module.py", "trainer_module"),
        ("trainer_module/__init__.py", "trainer_module"),
    ],
)
def test_a_file_that_hides_a_package_is_named_in_one_line(tmp_path, name, package):
    write_files(tmp_path, {name: b""})
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "doctor"],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"carryover: {str(tmp_path / name)!a} hides the package '{package}' of carryover. Take its "
        "folder out of PYTHONPATH, or run the command in another folder.\n"
    )


@pytest.mark.parametrize("name", ["components/a.txt", "data/__init__.py", "src/pipeline.py"])
def test_other_files_are_no_reason_to_refuse(tmp_path, name):
    write_files(tmp_path, {name: b""})
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "--version"],
        cwd="/",
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("files", "hiding"),
    [
        (["pipeline/__init__.py", "pipeline/config.py"], "pipeline/__init__.py"),
        (["pipeline.py"], "pipeline.py"),
        (["pipeline/__init__.py", "components/__init__.py"], "pipeline/__init__.py"),
    ],
)
def test_the_installed_command_names_the_file_that_hides_the_package_that_it_is_in(
    tmp_path, files, hiding
):
    write_files(tmp_path, dict.fromkeys(files, b"raise SystemExit('the file of the user ran')"))
    [entry] = re.findall(r'"carryover=([\w.]+):(\w+)"', (ROOT / "setup.py").read_text())
    done = subprocess.run(
        [sys.executable, "-c", "from {} import {} as run; run()".format(*entry), "--version"],
        cwd="/",
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"carryover: {str(tmp_path / hiding)!a} hides the package 'pipeline' of carryover. Take "
        "its folder out of PYTHONPATH, or run the command in another folder.\n"
    )


def test_the_installed_command_runs_where_nothing_is_hidden(run_python):
    done = run_python("-c", "from carryover_command import main; main()", "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("carryover ")


def test_the_start_of_the_command_is_a_part_of_the_package():
    assert 'py_modules=["carryover_command"]' in (ROOT / "setup.py").read_text()
    assert "carryover_command.py" in (ROOT / "Dockerfile").read_text()
    assert "!carryover_command.py" in (ROOT / ".dockerignore").read_text()
