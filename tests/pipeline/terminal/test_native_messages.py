"""What C libraries print to stderr by themselves."""

import os
import sys

import pytest

from pipeline.terminal.native_messages import hidden_native_messages


def test_what_is_printed_in_the_block_is_hidden_and_nothing_else(capfd):
    print("before", file=sys.stderr)
    with hidden_native_messages():
        os.write(2, b"line of a library\n")
        print("result")
    os.write(2, b"after\n")
    output = capfd.readouterr()
    assert (output.out, output.err) == ("result\n", "before\nafter\n")


def test_stderr_is_the_same_again_after_an_error(capfd):
    with pytest.raises(ValueError, match="damaged"), hidden_native_messages():
        raise ValueError("damaged")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_process_without_stderr_is_no_problem(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with hidden_native_messages():
        os.write(2, b"line of a library\n")
