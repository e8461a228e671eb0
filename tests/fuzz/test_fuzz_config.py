"""Any config is a `RunConfig` or one line about what is wrong; what we write is read back."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from mutated_bytes import MutationFuzzer
from repository import ROOT

from pipeline.config.config_file import load_config
from pipeline.config.kubeflow_options import KubeflowOptions
from pipeline.config.parsing.yaml_parser import dump_yaml, parse_yaml
from pipeline.config.retraining_options import RetrainOptions
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError

GROUPS = [RunConfig, RetrainOptions, KubeflowOptions]

#: Any text but halves of characters, which no file can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = TEXTS | st.sampled_from([key for group in GROUPS for key in group.model_fields])


def values_with(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """Return values of YAML, with these whole numbers."""
    return st.recursive(
        st.none() | st.booleans() | numbers | st.floats() | TEXTS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=12,
    )


CONFIGS = st.dictionaries(KEYS, values_with(st.integers()), max_size=5)

#: Pieces of YAML, in any order.
MARKS = (
    r"""a data seed : - ? [ ] { } , &a *a << | >- ' " \x1b \ud800 \U00110000 # !!int !x %YAML 1"""
)
NUMBERS = "--- ... 1e400 .inf -1 ~ null"
SPACES = (" ", "  ", "\n", "\t", "\r", "\x85", "\u2028", "\ufeff", ": ", ",\n", "- ")
PIECES = st.lists(st.sampled_from([*MARKS.split(), *NUMBERS.split(), *SPACES]), max_size=25).map(
    "".join
)


def load(path: Path) -> RunConfig | None:
    """Return the config of a file, or None after one short line about what is wrong."""
    try:
        return load_config(path, [], {})
    except InputError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 1000
        return None


def test_a_mutated_file_is_a_config_or_one_line(
    mutation_fuzzer: MutationFuzzer, tmp_path: Path
) -> None:
    path = tmp_path / "run.yaml"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        load(path)

    files = {file.name: file.read_bytes()[:3000] for file in (ROOT / "configs").glob("*.yaml")}
    files["utf-16"] = "data: pictures\nretrain: {window: 3}\n".encode("utf-16")
    files["anchors"] = b"a: &a {seed: 1}\nb: {<<: *a, c: [*a, *a]}\n"
    mutation_fuzzer.run("config", read, files, 150)


@example(r'data: "\U00110000"')
@example(f"%YAML {'1' * 5000}.1\n---\ndata: x")
@example("data: x\na: &a {<<: [*a]}")
@given(TEXTS | PIECES)
def test_any_text_is_a_config_or_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    load(path)


@example({"data": "x", "retrain": {"window": -(10**400)}})
@given(CONFIGS)
def test_any_values_are_a_config_or_one_line(tmp_path: Path, values: dict[str, Any]) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    config = load(path)
    if config is not None:
        written = parse_yaml(dump_yaml(config.model_dump(mode="json"))).value
        assert RunConfig.model_validate(written) == config


@given(KEYS, PIECES | TEXTS)
def test_any_override_is_a_config_or_one_line(key: str, text: str) -> None:
    try:
        load_config(None, [f"{key}={text}"], {"data": "pictures"})
    except InputError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 1000


@example(9223372036854775296)  # as a float it is 2**63
@given(values_with(st.integers(-(2**63) + 1, 2**63 - 1)))
def test_what_is_written_is_read_back(value: Any) -> None:
    text = dump_yaml({"a": value})
    assert repr(parse_yaml(text).value) == repr({"a": value})
