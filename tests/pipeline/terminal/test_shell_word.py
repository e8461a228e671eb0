"""Paths in commands that a person copies."""

import shlex
import subprocess

import pytest

from pipeline.terminal.shell_word import shell_word


@pytest.mark.parametrize("name", ["-x", "--help", "a b", "it's", "-", "$HOME", "-x/y"])
def test_a_shell_gets_the_path_and_no_option(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    command = f"cd {shlex.quote(str(tmp_path))} && cd {shell_word(name)} && pwd"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / name}\n"


def test_a_name_with_a_line_break_stays_on_one_line():
    assert "\n" not in shell_word("-a\nb")
