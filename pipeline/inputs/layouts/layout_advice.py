"""Errors about a layout that is not clear: what was found, and which options say what is meant."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.config.layout_pattern import CLASS, DOMAIN, SPLIT
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import Layout
from pipeline.inputs.layouts.layout_remedies import LayoutRemedies
from pipeline.inputs.layouts.split_names import split_of_name
from pipeline.terminal.shell_word import shell_word
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import named, quoted

Levels = tuple[str, ...]


class LayoutAdvice:
    """Makes the errors about one tree. Every error is one line."""

    def __init__(self, tree: FolderTree, data: str, remedies: LayoutRemedies) -> None:
        """Describe a tree.

        Args:
            tree: Folders of the data.
            data: Path of the data.
            remedies: Words for what the user can do.
        """
        self._tree = tree
        self._data = data
        self._remedies = remedies

    def no_classes(self) -> InputError:
        """Return the error about pictures without class folders."""
        folders = self._fullest()
        place = f"in {quoted('/'.join(folders))}" if folders else "directly in it"
        export = (
            f", or convert the export that {quoted(self._tree.annotations)} belongs to: carryover "
            f"manifest {shell_word(self._data)} --domain NAME --output pictures.csv"
            if self._tree.annotations
            else ""
        )
        return self._error(
            f"has pictures {place}, where no folder names their class", self._remedies.sort + export
        )

    def no_domain(self, levels: Levels) -> InputError:
        """Return the error about class folders without a domain above them."""
        names = _names(self._tree, levels, CLASS)
        if len(names) == 1 and SPLIT not in levels:
            return self._error(
                f"has pictures directly in {quoted(names[0])}, which names either their domain or "
                "their class",
                "Sort the pictures into <domain>/<class>/<picture>, or give "
                f"{self._remedies.domain_key} if {quoted(names[0])} is a class",
            )
        return self._error(
            f"has the layout {Layout(levels).text}<picture>, and no folder names the domain "
            f"({self._described(levels)})",
            f"Give {self._remedies.domain_key}, or sort the pictures into "
            "<domain>/<class>/<picture>",
        )

    def unused_domain(self, levels: Levels, domain: str) -> InputError:
        """Return the error about `--domain` for data whose folders name the domains."""
        one_level = self._option((CLASS,))
        return self._error(
            f"has the layout {Layout(levels).text}<picture> ({self._described(levels)}), and "
            f"--domain names the domain {quoted(domain)}, too",
            f"Leave --domain out, or give {one_level}",
        )

    def mixed(self, upper: str, lower: str, readings: Sequence[Levels]) -> InputError:
        """Return the error about classes at different levels.

        Args:
            upper: Folder with pictures.
            lower: Folder with pictures, at a lower level.
            readings: Possible layouts.
        """
        return self._error(
            f"has classes at different levels: {quoted(upper)} and {quoted(lower)}",
            f"Move them to one level, or give {self._options(readings)}",
        )

    def mixed_splits(
        self, splits: list[str], others: list[str], readings: Sequence[Levels]
    ) -> InputError:
        """Return the error about split folders beside other folders.

        Args:
            splits: Split folders.
            others: Folders with pictures that are not in a split folder.
            readings: Possible layouts; those without a picture are left out.
        """
        readings = [levels for levels in readings if _names(self._tree, levels, CLASS)]
        return self._error(
            f"has {named('folder', splits)}, which may be splits, beside {named('folder', others)}",
            f"Move the others away, or give {self._options(readings)}",
        )

    def other_split_names(self, names: list[str], readings: Sequence[Levels]) -> InputError:
        """Return the error about folders whose names hold words for splits.

        Args:
            names: Names of the folders.
            readings: Possible layouts; those without a picture are left out.
        """
        readings = [levels for levels in readings if _names(self._tree, levels, CLASS)]
        return self._error(
            f"has {named('folder', names)}, which may be splits",
            f"Name them train, val and test, or give {self._options(readings)}",
        )

    def several_split_levels(self, readings: Sequence[Levels]) -> InputError:
        """Return the error about split folders inside of split folders."""
        return self._error(
            "has folders that are named for splits at several levels",
            f"Give {self._options(readings)}",
        )

    def container(self, name: str, readings: Sequence[Levels]) -> InputError:
        """Return the error about a folder on top that is most likely no domain."""
        below = ""
        if self._tree.names(0) == {name}:
            below = f"{shell_word(str(Path(self._data, name)))} {self._remedies.with_domain}"
            readings = readings[-1:]
        return self._error(
            f"has only one folder in place of the domains, {quoted(name)}",
            self._remedies.folder_or_layout(below, self._options(readings)),
        )

    def too_deep(self, readings: Sequence[Levels]) -> InputError:
        """Return the error about trees whose pictures all lie deeper than <domain>/<class>/.

        Args:
            readings: Possible layouts; the last takes the upper levels for domains and classes.
        """
        deepest = "/".join(self._fullest())
        lower = self._lower_folder()
        layouts = self._options(readings[-1:] if lower else readings)
        return self._error(
            f"has pictures deeper than in <domain>/<class>/, such as in {quoted(deepest)}",
            self._remedies.folder_or_layout(lower, layouts),
        )

    def _lower_folder(self) -> str:
        """Return the folder that holds all others, with options; "" where there is none."""
        depth = self._tree.depths().most_common(1)[0][0]
        chain: list[str] = []
        while len(chain) < depth - 1 and len(self._tree.names(len(chain))) == 1:
            chain.extend(self._tree.names(len(chain)))
        if not chain:
            return ""
        folder = shell_word(str(Path(self._data, *chain)))
        if any(split_of_name(name) for name in self._tree.names(len(chain))):
            return folder
        below = self._tree.without_levels(0, len(chain))
        if depth - len(chain) > 1:
            return f"{folder} ({_described(below, (DOMAIN, CLASS))})"
        return f"{folder} {self._remedies.with_domain} ({_described(below, (CLASS,))})"

    def _fullest(self) -> tuple[str, ...]:
        """Return the folder with most pictures."""
        return max(self._tree.counts.items(), key=lambda item: item[1])[0]

    def _options(self, readings: Iterable[Levels]) -> str:
        """Return the options for some layouts; those with one class come last."""
        ordered = sorted(readings, key=lambda levels: len(_names(self._tree, levels, CLASS)) < 2)
        return ", or ".join(self._option(levels) for levels in ordered)

    def _option(self, levels: Levels) -> str:
        domain = "" if DOMAIN in levels else f" {self._remedies.domain}"
        layout = self._remedies.layout("/".join(levels))
        return f"{layout}{domain} ({self._described(levels)})"

    def _described(self, levels: Levels) -> str:
        return _described(self._tree, levels)

    def _error(self, found: str, remedy: str) -> InputError:
        return InputError(
            f"data folder {shell_word(self._data)} {found}. {remedy}{self._remedies.end}."
        )


def _described(tree: FolderTree, levels: Levels) -> str:
    """Return the domains and classes of a tree in a layout."""
    parts = []
    for noun, level in (("domain", DOMAIN), ("class", CLASS)):
        if names := _names(tree, levels, level):
            parts.append(named(noun, names))
    return "; ".join(parts) or "no classes"


def _names(tree: FolderTree, levels: Levels, level: str) -> list[str]:
    if level not in levels:
        return []
    index = levels.index(level)
    return sorted({names[index] for names in tree.counts if len(names) >= len(levels)})
