"""A small text cannot stand for billions of values: limits hold before anything is constructed."""

import resource
import time

import pytest

from pipeline.config.parsing.yaml_loader import MAX_DEPTH, MAX_LENGTH, MAX_VALUES, YamlError
from pipeline.config.parsing.yaml_parser import parse_yaml


def levels(value: str, first: str, aliases: int = 10, count: int = 10) -> str:
    """Return a bomb: every line holds the line before it several times."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, count):
        inner = ", ".join(f"{key}*a{level - 1}" for key in keys(value, aliases))
        lines.append(f"a{level}: &a{level} {value.replace('*', inner)}")
    return "\n".join(lines)


def keys(value: str, count: int) -> list[str]:
    return [f"k{number}: " for number in range(count)] if value == "{*}" else [""] * count


BOMBS = {
    "lists of aliases": (levels("[*]", "[x]"), f"more than {MAX_VALUES:,} values"),
    "groups of aliases": (levels("{*}", "{x: 1}"), f"more than {MAX_VALUES:,} values"),
    "merges of nothing": (levels("{<<: [*]}", "{}"), f"more than {MAX_VALUES:,} values"),
    "wide merges": (levels("{<<: [*]}", "{}", 500, 4), f"more than {MAX_VALUES:,} values"),
    "one wide level": ("a: &a x\nb: [" + "*a, " * 30_000 + "]", f"more than {MAX_VALUES:,}"),
    "many keys": ("\n".join(f"k{n}: 1" for n in range(9000)), f"more than {MAX_VALUES:,} values"),
    "many anchors": (
        "a: [" + ", ".join(f"&a{n} x" for n in range(9000)) + "]",
        f"key 'a' holds more than {MAX_VALUES:,} values",
    ),
    "a chain of aliases": (levels("[*]", "x", 1, 400), f"more than {MAX_DEPTH} groups or lists"),
    "a chain of merges": (levels("{<<: *}", "{}", 1, 300), f"more than {MAX_DEPTH} groups"),
    "open brackets": ("a: " + "[" * 100_000, f"key 'a' holds more than {MAX_DEPTH} groups"),
    "open braces": ("a: " + "{b: " * 30_000, f"more than {MAX_DEPTH} groups or lists"),
    "closed brackets": ("[" * 60_000 + "]" * 60_000, f"more than {MAX_DEPTH} groups or lists"),
    "indented keys": ("\n".join(f"{' ' * n}a:" for n in range(500)), f"more than {MAX_DEPTH}"),
    "dashes": ("- " * 60_000, f"more than {MAX_DEPTH} groups or lists in one another"),
    "questions": ("? " * 60_000, f"more than {MAX_DEPTH} groups or lists in one another"),
    "a long text": ("a: " + "x" * MAX_LENGTH, f"longer than {MAX_LENGTH // 1024} KiB"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_a_moment_and_without_memory(name):
    text, words = BOMBS[name]
    memory, start = peak_memory(), time.process_time()
    with pytest.raises(YamlError, match=words):
        parse_yaml(text)
    assert time.process_time() - start < 2
    assert peak_memory() - memory < 32 * 2**20


def peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_the_limits_leave_room_for_real_configs():
    groups = "{a: " * (MAX_DEPTH - 1) + "1" + "}" * (MAX_DEPTH - 1)
    variables = "\n".join(f"    V{number}: text" for number in range(900))
    text = f"g: {groups}\nkubeflow:\n  env:\n{variables}"
    assert len(parse_yaml(text).value["kubeflow"]["env"]) == 900


def test_the_message_names_the_key_where_the_limit_is_exceeded():
    with pytest.raises(YamlError) as error:
        parse_yaml("data: x\nkubeflow:\n  env: {A: " + "[" * 50)
    assert error.value.problem.startswith("key 'kubeflow.env.A' holds more than")
    assert error.value.line == 3


@pytest.mark.parametrize("character", ["\\e", "\\u2028", "\\x9b", "\\u202e", "\\n"])
def test_control_characters_of_a_key_are_escaped_in_the_message(character):
    with pytest.raises(YamlError) as error:
        parse_yaml(f'"a{character}b": 1\n"a{character}b": 2')
    assert error.value.problem.isprintable()
