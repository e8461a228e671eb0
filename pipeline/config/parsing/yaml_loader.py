"""PyYAML's loader with limits: a small text can stand for billions of values, or be nested deeply.

The limits hold while the nodes are composed. Nothing is constructed from a text that exceeds one.
"""

import re
import unicodedata
from typing import Any

import yaml

from trainer_module.contract.printable_names import shortened

#: Longest text, in bytes of a file and in characters. The configs in `configs/` have 6,000.
MAX_LENGTH = 2**17

#: Largest number of values, keys included. An anchor counts where it is used, too.
MAX_VALUES = 2_000

#: Largest number of groups or lists in one another. The keys of a run need three.
MAX_DEPTH = 20

#: Prefix of the tags of YAML's own types.
TAG = "tag:yaml.org,2002:"

#: Type, pattern and first characters of the plain values of YAML 1.2, in decimal notation only.
PLAIN_TYPES = (
    ("null", "~|null|Null|NULL|", "~nN"),
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", "<<", "<"),
)


class YamlError(ValueError):
    """Text that is not valid YAML, exceeds a limit, or holds a value that looks like another.

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


class YamlLoader(yaml.SafeLoader):
    """Composes the nodes of one document; see `add_plain_types` for its plain values."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML declares it like this)

    def __init__(self, text: str) -> None:
        """Prepare a text.

        Args:
            text: One YAML document, at most `MAX_LENGTH` characters.
        """
        self._count = 0
        self._path: list[str] = []
        super().__init__(text)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node and all that it holds, see `yaml.composer.Composer`.

        Raises:
            YamlError: The text holds more than `MAX_VALUES` values, or more than `MAX_DEPTH` groups
                in one another.
        """
        self._path.append(_key_text(index))
        self._count += 1
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs give it no types
        line = int(event.start_mark.line) + 1
        check_limits(self._count, len(self._path), self._path[1:], line)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._path.pop()
        return node

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """Scan a bracket: the scanner is up to 1,024 of them ahead, and its time is quadratic."""
        check_limits(0, self.flow_level, self._path[1:], self.line + 1)
        super().fetch_flow_collection_start(token)


def add_plain_types(resolver: type[yaml.resolver.BaseResolver]) -> None:
    """Make a loader or dumper take exactly `PLAIN_TYPES` for something else than text."""
    for name, pattern, first in PLAIN_TYPES:
        starts = [*first, ""] if name == "null" else [*first]
        resolver.add_implicit_resolver(f"{TAG}{name}", re.compile(f"(?:{pattern})$"), starts)


add_plain_types(YamlLoader)


def check_limits(count: int, depth: int, path: list[str] | tuple[str, ...], line: int) -> None:
    """Refuse too many values, or too many groups in one another.

    Args:
        count: Number of values up to this one.
        depth: Number of groups and lists that this value is in, itself included.
        path: Keys that lead to the value.
        line: Line of the value.

    Raises:
        YamlError: A limit is exceeded.
    """
    if count > MAX_VALUES:
        problem = f"holds more than {MAX_VALUES:,} values, anchors and aliases expanded."
    elif depth > MAX_DEPTH + 1:  # a value inside of the deepest group
        problem = f"holds more than {MAX_DEPTH} groups or lists in one another."
    else:
        return
    where = f"key '{shown_key(path)}'" if any(path) else "it"
    raise YamlError(f"{where} {problem}", line, is_syntax=False)


def shown_key(path: list[str] | tuple[str, ...]) -> str:
    """Return a dotted key for a message, shortened."""
    return shortened(".".join(part for part in path if part))


def same_key(text: str) -> str:
    """Return a form that is the same for keys which look the same (Unicode's NFC)."""
    return unicodedata.normalize("NFC", text)


def _key_text(index: Any) -> str:
    """Return the key of a value; "" for a key itself, and for an item of a list."""
    return str(index.value) if isinstance(index, yaml.ScalarNode) else ""
