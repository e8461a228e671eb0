"""Parser of YAML for configs: a value means what it looks like, or it is refused with its line.

PyYAML follows YAML 1.1, where `017` is 15, `no` is false and `12:30` is 750, and the last of equal
keys wins. Here only decimal numbers, `true`, `false` and `null` are not text. The type of a config
key then decides: `seed: 017` is 17, and `name: no` is the name "no".
"""

import codecs
import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from pipeline.config.parsing.yaml_loader import (
    MAX_LENGTH,
    TAG,
    YamlError,
    YamlLoader,
    add_plain_types,
    check_limits,
    same_key,
    shown_key,
)
from trainer_module.contract.printable_names import shortened

_BOOLEANS = {"true": True, "false": False}

#: Largest whole number: what files, SQLite and NumPy hold in 64 bits.
_MAX_INTEGER = 2**63 - 1
_MAX_DIGITS = 20

#: Escapes such as \ud83d\ude00 in JSON are two halves of one character.
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

#: A half without the other. U+DC80 to U+DCFF are left out: Python keeps bytes of paths in them.
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")


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
        YamlError: The content is not valid YAML, holds a key twice or several documents, a value
            whose meaning differs from what it looks like, or exceeds a limit of `yaml_loader`.

    Example:
        >>> from pipeline.config.parsing.yaml_parser import parse_yaml
        >>> parse_yaml("{a: 1e3, b: no, c: 017, d: 2026-11-26}").value
        {'a': 1000.0, 'b': 'no', 'c': '017', 'd': '2026-11-26'}
    """
    if len(content) > MAX_LENGTH:
        raise YamlError(f"it is longer than {MAX_LENGTH // 1024} KiB.", 1, is_syntax=False)
    text = content if isinstance(content, str) else _decode(content)
    node = _compose(text)
    converter = _Converter()
    value = None if node is None else converter.convert(node, ())
    return ParsedYaml(value, converter.lines)


def _compose(text: str) -> yaml.Node | None:
    """Return the node of a text; None for a text without a value."""
    try:
        loader = YamlLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"it holds a control character (U+{error.character:04X}). Remove it."
        raise YamlError(problem, line) from None
    try:
        node: yaml.Node | None = loader.get_single_node()
    except YamlError:
        raise
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from None
    except (ValueError, OverflowError):  # PyYAML converts the number of an escape unchecked
        problem = "an escape or a number after % is out of range. Remove it."
        raise YamlError(problem, loader.get_mark().line + 1) from None
    finally:
        loader.dispose()
    return node


def dump_yaml(values: dict[str, Any]) -> str:
    """Return YAML from which `parse_yaml`, and any other parser, reads the same values.

    Args:
        values: JSON values by key.

    Example:
        >>> from pipeline.config.parsing.yaml_parser import dump_yaml
        >>> print(dump_yaml({"name": "1e3", "seed": 5, "inbox": None}), end="")
        name: '1e3'
        seed: 5
        inbox: null
    """
    text: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False)
    return text


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper; it also quotes text that only YAML 1.2 takes for a number, such as 1e3."""


add_plain_types(_Dumper)


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
        self._open: list[yaml.Node] = []

    def convert(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        with self._inside(node, path):
            if isinstance(node, yaml.ScalarNode):
                return _scalar(node, path)
            _check_tag(node, path, "seq", "map")
            if isinstance(node, yaml.SequenceNode):
                return [self.convert(item, path) for item in node.value]
            return self._mapping(node, path)

    @contextlib.contextmanager
    def _inside(self, node: yaml.Node, path: tuple[str, ...]) -> Iterator[None]:
        """Count a node, and refuse one that is inside of itself."""
        self._count += 1
        if any(node is one for one in self._open):
            where = f"key '{shown_key(path)}'" if path else "a list"
            problem = f"{where} holds itself through an alias (*). Write the value out."
            raise YamlError(problem, _line(node), is_syntax=False)
        self._open.append(node)
        check_limits(self._count, len(self._open), path, _line(node))
        yield
        self._open.pop()

    def _mapping(self, node: yaml.Node, path: tuple[str, ...]) -> dict[str, Any]:
        seen: dict[str, _Pair] = {}
        for pair in self._pairs(node, path, 0):
            key = (*path, pair.key)
            if first := seen.get(same_key(pair.key)):
                raise _given_twice(key, first, pair)
            seen[same_key(pair.key)] = pair
            self.lines[key] = pair.line
        return {pair.key: self.convert(pair.value, (*path, pair.key)) for pair in seen.values()}

    def _pairs(self, node: yaml.Node, path: tuple[str, ...], merge: int) -> Iterator[_Pair]:
        """Yield the keys of a mapping, and those that it merges (<<) from others."""
        merges: list[int] = []
        for key_node, value_node in node.value:
            if key_node.tag != f"{TAG}merge":
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
                with self._inside(one, (*path, "<<")):
                    yield from self._pairs(one, path, merges[-1])


def _given_twice(path: tuple[str, ...], first: _Pair, second: _Pair) -> YamlError:
    merge = first.merge or second.merge
    through = f" (one of them through << in line {merge})" if merge else ""
    lines = sorted({first.line, second.line})
    where = f"line{'s' if len(lines) > 1 else ''} {' and '.join(map(str, lines))}"
    problem = f"key '{shown_key(path)}' is there twice, in {where}{through}. Leave one out."
    return YamlError(problem, second.line)


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode) and node.tag == f"{TAG}str":
        return _whole_characters(node, ())
    what = f"the key {shortened(node.value)}" if isinstance(node, yaml.ScalarNode) else "a key"
    raise YamlError(f"{what} is not text. Put it in quotes.", _line(node), is_syntax=False)


def _scalar(node: yaml.ScalarNode, path: tuple[str, ...]) -> Any:
    _check_tag(node, path, "str", "null", "bool", "int", "float", "merge")
    kind, text = node.tag.removeprefix(TAG), node.value
    if kind == "null" and text == "~":
        problem = '~ is no value in YAML. Write null, or "~" in quotes for the home folder.'
        raise YamlError(problem, _line(node), is_syntax=False)
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return _BOOLEANS[text.lower()]
        if kind in ("int", "float"):
            return _number(text, kind)
    except OverflowError:
        problem = (
            f"{_where(path)}the number {shortened(text, 40)} is too large. Write a smaller one."
        )
        raise YamlError(problem, _line(node), is_syntax=False) from None
    except (KeyError, ValueError):
        problem = f"{_where(path)}{shortened(text, 40)} does not fit its tag !!{kind}."
        raise YamlError(problem, _line(node), is_syntax=False) from None
    return _whole_characters(node, path)


def _number(text: str, kind: str) -> int | float:
    """Return a number.

    Raises:
        OverflowError: It does not fit into 64 bits.
        ValueError: The text is no number.
    """
    if kind == "int":
        whole = int(text[:_MAX_DIGITS])
        if len(text) > _MAX_DIGITS or abs(whole) > _MAX_INTEGER:
            raise OverflowError
        return whole
    is_word = text.lower().endswith(("inf", "nan"))
    number = float(text.replace(".", "")) if is_word else float(text)
    if math.isinf(number) and not is_word:
        raise OverflowError
    return number


def _whole_characters(node: yaml.ScalarNode, path: tuple[str, ...]) -> str:
    """Return a text in which the two halves of a character are one."""
    text = _PAIR.sub(
        lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), node.value
    )
    if half := _HALF.search(text):
        problem = f"{_where(path)}a text holds half a character (\\u{ord(half[0]):04x}). Remove it."
        raise YamlError(problem, _line(node), is_syntax=False)
    return text


def _check_tag(node: yaml.Node, path: tuple[str, ...], *kinds: str) -> None:
    if node.tag not in {f"{TAG}{kind}" for kind in kinds}:
        tag = shortened(node.tag.replace(TAG, "!!"))
        problem = f"{_where(path)}the tag {tag} is not allowed. Remove it."
        raise YamlError(problem, _line(node))


def _where(path: tuple[str, ...]) -> str:
    return f"key '{shown_key(path)}': " if path else ""


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
    return YamlError(f"{shortened(problem, 200)}.", line)


def _decode(content: bytes) -> str:
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + 1} is not {error.encoding.upper()}. Save it as UTF-8."
        raise YamlError(problem, content.count(b"\n", 0, error.start) + 1) from None
