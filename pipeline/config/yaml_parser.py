"""Parser of YAML for configs: a value means what it looks like, or it is refused with its line.

PyYAML follows YAML 1.1, where `017` is 15, `no` is false and `12:30` is 750, and the last of equal
keys wins. Here only decimal numbers, `true`, `false` and `null` are not text. The type of a config
key then decides: `seed: 017` is 17, and `name: no` is the name "no".
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

#: Largest number of values, anchors expanded. An anchor of anchors can stand for billions.
MAX_VALUES = 10_000

_TAG = "tag:yaml.org,2002:"
_BOOLEANS = {"true": True, "false": False}


class YamlError(ValueError):
    """Text that is not valid YAML, or a value that could be mistaken for another.

    Attributes:
        problem: What is wrong and what to do, in whole sentences.
        line: Line in the text, counted from 1.
        is_syntax: Whether the text is not valid YAML.
    """

    def __init__(self, problem: str, line: int, is_syntax: bool = True) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.is_syntax = is_syntax


@dataclass(frozen=True)
class ParsedYaml:
    """A parsed text.

    Attributes:
        value: Value of the text: dicts with text as keys, lists, texts, numbers, booleans and None.
        lines: Line of every key of the dicts, by the keys that lead to it.
    """

    value: Any
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)


def parse_yaml(content: str | bytes) -> ParsedYaml:
    """Parse the YAML of a config.

    Args:
        content: One YAML document. Bytes are UTF-8, or UTF-16 with a byte order mark.

    Raises:
        YamlError: The content is not valid YAML, holds a key twice or several documents, or a value
            whose meaning differs from what it looks like.

    Example:
        >>> from pipeline.config.yaml_parser import parse_yaml
        >>> parse_yaml("{a: 1e3, b: no, c: 017, d: 2026-11-26}").value
        {'a': 1000.0, 'b': 'no', 'c': '017', 'd': '2026-11-26'}
    """
    text = content if isinstance(content, str) else _decode(content)
    try:
        node = yaml.compose(text, Loader=_Loader)
        converter = _Converter()
        value = None if node is None else converter.convert(node, ())
        return ParsedYaml(value, converter.lines)
    except RecursionError:
        raise YamlError("an anchor holds itself, or values are nested too deeply.", 1) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"it holds a control character (U+{error.character:04X}). Remove it."
        raise YamlError(problem, line) from None


def dump_yaml(values: dict[str, Any]) -> str:
    """Return YAML from which `parse_yaml`, and any other parser, reads the same values.

    Args:
        values: JSON values by key.

    Example:
        >>> from pipeline.config.yaml_parser import dump_yaml
        >>> print(dump_yaml({"name": "1e3", "seed": 5, "inbox": None}), end="")
        name: '1e3'
        seed: 5
        inbox: null
    """
    text: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False)
    return text


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper; it also quotes text that only YAML 1.2 takes for a number, such as 1e3."""


class _Loader(yaml.SafeLoader):
    """PyYAML's loader with the plain values of YAML 1.2, in decimal notation only."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML declares it like this)


for _name, _pattern, _first in (
    ("null", "~|null|Null|NULL|", "~nN"),
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", "<<", "<"),
):
    _starts = [*_first, ""] if _name == "null" else [*_first]
    _resolver = (f"{_TAG}{_name}", re.compile(f"(?:{_pattern})$"), _starts)
    _Loader.add_implicit_resolver(*_resolver)
    _Dumper.add_implicit_resolver(*_resolver)


class _Pair(NamedTuple):
    """A key and its value; `merge` is the line of the merge key through which it comes, or 0."""

    key: str
    line: int
    value: yaml.Node
    merge: int


class _Converter:
    """Converts nodes to values, and collects the lines of keys."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, ...], int] = {}
        self._count = 0

    def convert(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise YamlError(f"it holds more than {MAX_VALUES:,} values.", _line(node))
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        _check_tag(node, "seq", "map")
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item, path) for item in node.value]
        return self._mapping(node, path)

    def _mapping(self, node: yaml.Node, path: tuple[str, ...]) -> dict[str, Any]:
        seen: dict[str, _Pair] = {}
        for pair in self._pairs(node, 0):
            key = (*path, pair.key)
            if first := seen.get(pair.key):
                raise _given_twice(key, first, pair)
            seen[pair.key] = pair
            self.lines[key] = pair.line
        return {key: self.convert(pair.value, (*path, key)) for key, pair in seen.items()}

    def _pairs(self, node: yaml.Node, merge: int) -> Iterator[_Pair]:
        """Yield the keys of a mapping, and those that it merges (<<) from others."""
        merges: list[int] = []
        for key_node, value_node in node.value:
            if key_node.tag != f"{_TAG}merge":
                yield _Pair(_key(key_node), _line(key_node), value_node, merge)
                continue
            merges.append(_line(key_node))
            if len(merges) > 1:
                lines = " and ".join(map(str, merges))
                raise YamlError(f"key '<<' is there twice, in lines {lines}.", merges[-1])
            is_list = isinstance(value_node, yaml.SequenceNode)
            for one in value_node.value if is_list else [value_node]:
                if not isinstance(one, yaml.MappingNode):
                    raise YamlError("<< can merge groups of keys only.", merges[-1])
                yield from self._pairs(one, merges[-1])


def _given_twice(path: tuple[str, ...], first: _Pair, second: _Pair) -> YamlError:
    merge = first.merge or second.merge
    through = f" (one of them through << in line {merge})" if merge else ""
    lines = sorted({first.line, second.line})
    where = f"line{'s' if len(lines) > 1 else ''} {' and '.join(map(str, lines))}"
    problem = f"key '{'.'.join(path)}' is there twice, in {where}{through}. Leave one out."
    return YamlError(problem, second.line)


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str":
        return str(node.value)
    what = f"the key {node.value}" if isinstance(node, yaml.ScalarNode) else "a key"
    raise YamlError(f"{what} is not text. Put it in quotes.", _line(node), is_syntax=False)


def _scalar(node: yaml.ScalarNode) -> Any:
    _check_tag(node, "str", "null", "bool", "int", "float", "merge")
    kind, text = node.tag.removeprefix(_TAG), node.value
    if kind == "null":
        if text == "~":
            problem = '~ is no value in YAML. Write null, or "~" in quotes for the home folder.'
            raise YamlError(problem, _line(node), is_syntax=False)
        return None
    try:
        if kind == "bool":
            return _BOOLEANS[text.lower()]
        if kind == "int":
            return int(text)
        return _number(text) if kind == "float" else text
    except (KeyError, ValueError):
        problem = f"{text[:40]} does not fit its tag !!{kind}, or is too long."
        raise YamlError(problem, _line(node), is_syntax=False) from None


def _number(text: str) -> float:
    is_word = text.lower().endswith(("inf", "nan"))
    return float(text.replace(".", "")) if is_word else float(text)


def _check_tag(node: yaml.Node, *kinds: str) -> None:
    if node.tag not in {f"{_TAG}{kind}" for kind in kinds}:
        tag = node.tag.replace(_TAG, "!!")
        raise YamlError(f"the tag {tag} is not allowed. Remove it.", _line(node))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _syntax_error(error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = " ".join(str(error.problem or error.context).split())
    if "another document" in problem:
        problem = "a second document begins here (---). Keep one"
    elif r"'\t'" in problem:
        problem = "there is a tab. Use spaces"
    elif "mapping values are not allowed" in problem:
        problem = "there is a second ': ' in the line. Put the value in quotes"
    elif error.problem and error.context:
        problem = f"{error.context}: {problem}"
    return YamlError(f"{problem}.", line)


def _decode(content: bytes) -> str:
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"byte {error.start + 1} is not {error.encoding.upper()}. Save it as UTF-8."
        raise YamlError(problem, line) from None
