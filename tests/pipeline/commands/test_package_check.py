"""The command where a folder of the user has the name of one of our packages."""

import os
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
        f"carryover: {tmp_path / name} hides the package '{package}' of carryover. Take its folder "
        "out of PYTHONPATH, or run the command in another folder.\n"
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
