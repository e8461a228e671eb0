"""Reads README.md and docs/*.md: their headings, links, code blocks and commands."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from repository import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_VARIABLE = re.compile(r"(\w+)=(\S+)")
_TARGET = re.compile(r"\bmake ([a-z][a-z-]*)\b")


@dataclass(frozen=True)
class Page:
    """One page of the documentation.

    Attributes:
        path: Absolute path of the Markdown file.
    """

    path: Path

    @property
    def name(self) -> str:
        """Path relative to the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """Markdown."""
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """Markdown without its code blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """Return the fenced code blocks of a language, such as `sh` or `yaml`."""
        return [code for found, code in _FENCE.findall(self.text) if found == language]

    def headings(self) -> list[tuple[int, str]]:
        """Return the level and the text of every heading."""
        return [(len(marks), text) for marks, text in _HEADING.findall(self.prose)]

    def anchors(self) -> set[str]:
        """Return the names that links may have after `#`, as GitHub makes them."""
        slugs = [re.sub(r"[^\w\- ]", "", text.lower()) for _, text in self.headings()]
        return {slug.replace(" ", "-") for slug in slugs}

    def links(self) -> list[str]:
        """Return the targets of links and pictures."""
        return _LINK.findall(self.prose)

    def inline_code(self) -> list[str]:
        """Return the pieces of code in sentences and tables."""
        return _INLINE.findall(self.prose)

    def shell_commands(self) -> list[list[str]]:
        """Return the commands of all `sh` blocks, in order, as lists of words."""
        return [words for block in self.blocks("sh") for words in _commands(block)]

    def carryover_commands(self) -> list[list[str]]:
        """Return the arguments of every `carryover` command in a `sh` block."""
        commands = (_arguments(words) for words in self.shell_commands())
        return [words for words in commands if words is not None]

    def make_targets(self) -> set[str]:
        """Return the targets of every `make` command, in blocks or sentences."""
        code = [*self.blocks("sh"), *(span for span in self.inline_code() if "make" in span)]
        return {target for text in code for target in _TARGET.findall(text)}


def pages() -> list[Page]:
    """Return the README, SECURITY.md and every page of docs/."""
    first = (ROOT / "README.md", ROOT / "SECURITY.md")
    return [Page(path) for path in (*first, *sorted(ROOT.glob("docs/*.md")))]


def page(name: str) -> Page:
    """Return a page by its path relative to the repository."""
    return Page(ROOT / name)


def _commands(block: str) -> list[list[str]]:
    """Split a block at line ends, except where a quote or a backslash continues the line.

    Variables that the block sets on a line of their own are filled in.
    """
    commands, variables, pending = [], {}, ""
    for line in block.replace("\\\n", " ").splitlines():
        for name, value in variables.items():
            line = line.replace(f"${name}/", f"{value}/")
        pending = f"{pending}\n{line}" if pending else line
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # an open quote
            continue
        if len(words) == 1 and (assignment := _VARIABLE.fullmatch(words[0])):
            variables[assignment[1]] = assignment[2]
        elif words:
            commands.append(words)
        pending = ""
    assert not pending, pending
    return commands


def _arguments(words: list[str]) -> list[str] | None:
    """Return the words after `carryover`; None for another command."""
    return words[1:] if words[0].rsplit("/", 1)[-1] == "carryover" else None
