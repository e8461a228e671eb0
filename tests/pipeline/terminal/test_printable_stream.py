"""The streams of a process, in a process of its own."""

import pytest
from hostile_names import HOSTILE, SHOWN, unprintable

PRINT = f"""
import logging, sys, traceback, warnings
from rich.console import Console
from pipeline.terminal.standard_streams import prepare_streams

prepare_streams()
name = {HOSTILE!r}
logging.basicConfig(format="LOG %(message)s", level="INFO")
"""


def run(run_python, code: str) -> tuple[str, str]:
    done = run_python("-c", PRINT + code)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "print(name)",
        "sys.stdout.write(name)",
        "sys.stdout.writelines([name, name])",
        "print(name, file=sys.stderr)",
        "import click; click.echo(name, color=True); click.echo(name, err=True)",
        "logging.info('%s', name)",
        "logging.getLogger('any').error(name, exc_info=ValueError(name))",
        "warnings.warn(name)",
        "sys.stderr.write(name.encode('unicode_escape').decode() + name)",
    ],
)
def test_whatever_prints_a_name_prints_it_escaped(run_python, code):
    stdout, stderr = run(run_python, code)
    text = (stdout + stderr).replace("carryover: forged", "")  # lines may end where a name ends one
    assert r"\x1b[31m\x1b]0;owned\x07" in text
    assert unprintable(text) == []


def test_a_log_message_is_one_entry(run_python):
    _, stderr = run(run_python, "logging.info('%s!', name)")
    lines = stderr.splitlines()
    assert lines[0] == r"LOG x\x1b[31m\x1b]0;owned\x07"
    assert lines[1].startswith(r"  carryover: forged\r\x9b2J")


def test_a_message_with_wrong_arguments_is_no_failure(run_python):
    _, stderr = run(run_python, "logging.info('%d', 'a'); logging.info('after')")
    assert "LOG after" in stderr


def test_rich_keeps_its_colours(run_python):
    code = (
        "from pipeline.terminal.safe_console import SafeConsole, plain\n"
        "SafeConsole(force_terminal=True, width=400).print(\n"
        "f'[red]{plain(name)}[/red]:cat:', highlight=False)"
    )
    stdout, _ = run(run_python, code)
    assert stdout == f"\x1b[31m{SHOWN}\x1b[0m:cat:\n"


def test_credentials_are_masked_on_stderr_and_data_on_stdout_are_exact(run_python):
    stdout, stderr = run(run_python, "print('token=hunter2'); logging.info('token=hunter2')")
    assert (stdout, stderr) == ("token=hunter2\n", "LOG token=(masked)\n")


def test_the_stream_is_the_one_that_it_wraps(run_python):
    code = "print(sys.stdout.fileno(), sys.stdout.isatty(), hasattr(sys.stdout, 'buffer'))"
    assert run(run_python, code)[0] == "1 False False\n"
    assert run(run_python, "prepare_streams(); print(chr(27))")[0] == "\\x1b\n"
