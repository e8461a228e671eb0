"""Commands, make targets and config keys of the documentation exist."""

import re
import shlex
from typing import Any

import pytest
import typer
from documentation import page, pages
from pydantic import BaseModel
from repository import ROOT

from pipeline.cli import app
from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig

PAGES = pages()
CLI = typer.main.get_command(app)

#: Settings in sentences, such as `split.group_by: stem` and `--set gate.max_drop=0.01`.
KEY = re.compile(r"^(?:--set )?([a-z_]+)\.([a-z_]+)(?:\b|$)")


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_every_command_can_be_parsed(one):
    for words in one.carryover_commands():
        parse(words)


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_commands_in_sentences_exist_with_their_options(one):
    for span in one.inline_code():
        if span.startswith("carryover "):
            _, name, *words = shlex.split(span.replace("[", "").replace("]", ""))
            if name.startswith("-"):
                words, command = [name, *words], CLI
            else:
                assert name in CLI.commands, span
                command = CLI.commands[name]
            unknown = {word for word in words if word.startswith("-")} - options_of(command)
            assert not unknown, span


def test_commands_that_cron_and_systemd_start_can_be_parsed():
    guide = page("docs/retraining.md")
    lines = [
        line.partition("=")[2] if line.startswith("ExecStart=") else line
        for block in (*guide.blocks("ini"), *guide.blocks(""))
        for line in block.splitlines()
        if "/bin/carryover " in line
    ]
    assert len(lines) == 3
    for line in lines:
        parse(shlex.split(line.partition("/bin/carryover ")[2].partition(" >>")[0]))


def test_the_readme_has_every_command():
    rows = re.findall(r"^\| `carryover (\w+)", page("README.md").text, re.MULTILINE)
    assert sorted(rows) == sorted(CLI.commands)


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_a_page_makes_the_inbox_before_the_first_command_that_needs_it(one):
    is_made = False
    for words in one.shell_commands():
        is_made |= words[0] == "mkdir" and "my-inbox" in words
        needs_it = {"retrain", "watch", "monitor", "manifest"}.intersection(words[:2])
        names_it = any(word.split("/")[0] == "my-inbox" for word in words)
        assert is_made or not (needs_it and names_it), words


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_make_targets_exist(one):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert one.make_targets() <= targets


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_config_keys_exist(one):
    groups = {
        name: field.annotation.model_fields
        for name, field in RunConfig.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    for span in one.inline_code():
        found = KEY.match(span)
        if found and found[1] in groups and not span.endswith((".md", ".yaml", ".py")):
            assert found[2] in groups[found[1]], span


def parse(words: list[str]) -> None:
    """Parse the arguments of a command without running it, and check what `--set` is given."""
    _, rest, _ = CLI.make_parser(CLI.context_class(CLI)).parse_args(list(words))
    if not rest:  # an option of the program alone, such as --version
        return
    name, *arguments = rest
    assert name in CLI.commands, words
    try:
        with CLI.commands[name].make_context(name, arguments) as context:
            load_config(None, context.params.get("overrides") or [], {"data": "pictures"})
    except Exception as error:  # Typer brings a copy of Click in some versions
        pytest.fail(f"carryover {' '.join(words)}: {error!r}")


def options_of(command: Any) -> set[str]:
    """Names of a command's options."""
    return {"--help", *(name for option in command.params for name in option.opts)}
