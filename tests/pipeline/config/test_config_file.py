"""A hostile config or `--set` is refused in one short line that names the file and the key."""

import pytest

from pipeline.config.config_file import load_config
from trainer_module.contract.errors import InputError

ALIAS_BOMB = "[&a [x], &b [*a, *a, *a], &c [*b, *b, *b], " + "*c, " * 900 + "]"


def line_of(error: InputError) -> str:
    line = str(error)
    assert line.isprintable()
    assert len(line) < 600
    return line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"seed: {ALIAS_BOMB}", "run.yaml, line 1: key 'seed' holds more than 2,000 values"),
        ("seed: &s [*s]", "run.yaml, line 1: key 'seed' holds itself through an alias"),
        ("seed: 1e400", "run.yaml, line 1: key 'seed': the number 1e400 is too large"),
        (
            f"retrain:\n  window: -{'9' * 5000}",
            "run.yaml, line 2: key 'retrain.window': the number",
        ),
        ("retrain: {window: -.inf}", "key 'retrain.window': must be a finite number or 'all'."),
        ("retrain: {attempts: 4611686018427387904}", "at least 1 and at most 1000000000."),
        ("retrain: {min_pictures: 1e30}", "at least 1 and at most 1000000000."),
        ("beam: {workers: -1e300}", "config key 'beam.workers': must be a smaller number or"),
        (f"data: {'[' * 9000}", "run.yaml, line 1: key 'data' holds more than 20 groups"),
        ("data: !!python/name:os.system ''", "key 'data': the tag !!python/name:os.system is not"),
        (f"{'k' * 900}: 1", f"config key '{'k' * 80}...' is unknown (line 1 of "),
        (r'"a\e]0;x\a": 1', r"config key 'a\x1b]0;x\x07' is unknown (line 1 of "),
        (r'name: "\x9b31m\u202e"', r"Received: "),
        (r'data: "a\0b"', "config key 'data': must not hold a NUL character."),
        (r'kubeflow: {env: {A: "\0"}}', "config key 'kubeflow.env.A': must match pattern"),
        (f"layout: '{'*/' * 500}class'", "config key 'layout': must name at most 32 levels"),
        ("data: x\n---\ndata: y", "run.yaml is not valid YAML: line 2: a second document"),
        (b"data: x\0", "run.yaml is not valid YAML: line 1: it holds a control character (U+0000)"),
        ("data: x".encode("utf-32"), "it holds a control character (U+0000)"),
        (b"#" * 200_000, "run.yaml is larger than 128 KiB"),
        (b"", "run.yaml must hold `key: value` lines"),
    ],
    ids=lambda value: str(value)[:24].encode("ascii", "backslashreplace").decode(),
)
def test_a_hostile_file_gets_one_line(tmp_path, content, words):
    path = tmp_path / "run.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    given = {} if b"data" in path.read_bytes() else {"data": "pictures"}
    with pytest.raises(InputError) as error:
        load_config(path, [], given)
    line = line_of(error.value)
    assert words in line
    assert "run.yaml" in line


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (f"seed={ALIAS_BOMB}", "--set seed: it holds more than 2,000 values"),
        ("seed=1e400", "--set seed: the number 1e400 is too large. Write a smaller one."),
        (f"seed={'9' * 100_000}", "--set seed: the number 9999"),
        (f"seed={'[' * 100_000}", "--set seed: it holds more than 20 groups or lists"),
        ("seed=&a [*a]", "--set seed: a list holds itself through an alias"),
        ("retrain.window=-1", "config key 'retrain.window': must be all, or from 0 to"),
        ("retrain.window=.nan", "config key 'retrain.window': must be a finite number"),
        (f"a{'.a' * 60_000}=1", "the key names more than 20 groups."),
        (f"{'k' * 100_000}=1", "kkkk...' is unknown. Allowed: "),
        (f"{'k' * 100_000}", "--set takes key=value, such as image_size=128. Received: kkkk"),
        ("seed=\x1b]0;x\x07", r"Received: \x1b]0;x\x07"),
        ("\x1b=1", r"config key '\x1b' is unknown"),
        ("seed=1\n---\n2", "a second document begins here (---). Keep one."),
        ("seed=!!python/object/apply:os.getcwd []", "the tag !!python/object/apply:os.getcwd"),
    ],
    ids=lambda value: value[:24].encode("ascii", "backslashreplace").decode(),
)
def test_a_hostile_override_gets_one_line(override, words):
    with pytest.raises(InputError) as error:
        load_config(None, [override], {"data": "pictures"})
    assert words in line_of(error.value)
