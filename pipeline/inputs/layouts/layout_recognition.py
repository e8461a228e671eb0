"""Recognises the layout of a folder of pictures, or says which layouts it could have."""

from dataclasses import replace

from pipeline.config.layout_pattern import ANY, AUTO, CLASS, DOMAIN, SPLIT, parse_pattern
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import DOMAIN_CLASS, Layout, LayoutOptions
from pipeline.inputs.layouts.layout_advice import LayoutAdvice
from pipeline.inputs.layouts.layout_notes import layout_notes
from pipeline.inputs.layouts.layout_remedies import LayoutRemedies
from pipeline.inputs.layouts.missing_splits import Shares, missing_splits
from pipeline.inputs.layouts.split_level import SplitLevel, find_split_level
from pipeline.inputs.layouts.split_names import split_in_name, split_of_name
from pipeline.terminal.shell_word import shell_word
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import quoted

#: Names of folders that hold the pictures of a domain or a data set, and are not domains.
CONTAINER_NAMES = frozenset(
    {"images", "image", "imgs", "img", "pictures", "pics", "jpegimages", "jpg", "jpeg", "png"}
    | {"data", "dataset", "datasets"}
)

#: Largest share of pictures that may lie a level too high; they are rejected with this reason.
MAX_STRAYS = 0.1

Levels = tuple[str, ...]


def choose_layout(tree: FolderTree, data: str, options: LayoutOptions) -> Layout:
    """Return the layout that the user gives, or the only one that a tree can have.

    Args:
        tree: Folders of the data.
        data: Path of the data, for messages.
        options: What the user says about the layout.

    Raises:
        InputError: Several layouts are possible, or the tree does not have the given one.
    """
    if options.layout != AUTO:
        return _given_layout(tree, data, options)
    if not tree.total:
        return DOMAIN_CLASS
    return _Recognition(tree, data, options).run()


def _given_layout(tree: FolderTree, data: str, options: LayoutOptions) -> Layout:
    levels = parse_pattern(options.layout)
    layout, remedies = Layout(levels), _remedies(options)
    if DOMAIN not in levels and not options.domain:
        raise InputError(
            f"layout {options.layout} has no level for the domain. Give "
            f"{remedies.domain_key}, too{remedies.end}."
        )
    if DOMAIN in levels and options.domain and not options.is_batch:
        raise InputError(
            f"layout {options.layout} has a level for the domain, and --domain (config key domain) "
            "names one, too. Leave one of them out."
        )
    if tree.total and not any(len(folders) >= len(levels) for folders in tree.counts):
        deepest = "/".join(sorted(tree.counts, key=len, reverse=True)[0]) or "."
        raise InputError(
            f"data folder {shell_word(data)} holds no files in the layout {layout.text}<picture>: "
            f"the deepest pictures lie in {quoted(deepest)}. Give another layout: "
            f"{remedies.layout('LEVELS')}{remedies.end}."
        )
    return _completed(levels, tree, options)


def _completed(levels: Levels, tree: FolderTree, options: LayoutOptions) -> Layout:
    """Return a layout with the shares of splits that have no folder, and with its notes."""
    missing: Shares = ()
    if SPLIT in levels:
        level = levels.index(SPLIT)
        deep = (folders for folders in tree.counts if len(folders) >= len(levels))
        found = {split_in_name(folders[level]) for folders in deep}
        missing = missing_splits(found, options.split)
    layout = Layout(levels, None if DOMAIN in levels else options.domain, missing)
    given = options.layout != AUTO
    return replace(layout, notes=layout_notes(layout, tree, given, _remedies(options)))


def _remedies(options: LayoutOptions) -> LayoutRemedies:
    return LayoutRemedies(options.is_batch, options.data_option)


class _Recognition:
    """Recognises one tree."""

    def __init__(self, tree: FolderTree, data: str, options: LayoutOptions) -> None:
        self._tree = tree
        self._options = options
        self._splits = SplitLevel()
        self._advice = LayoutAdvice(tree, data, _remedies(options))

    def run(self) -> Layout:
        self._splits = find_split_level(self._tree, self._advice)
        rest = self._splits.remove(self._tree)
        levels = self._splits.insert(self._levels(rest))
        if DOMAIN in levels and self._options.domain and not self._options.is_batch:
            raise self._advice.unused_domain(levels, self._options.domain)
        return _completed(levels, self._tree, self._options)

    def _levels(self, rest: FolderTree) -> Levels:
        """Return the meaning of the levels in a tree without split folders."""
        depths = rest.depths()
        if depths[0] > rest.total / 2:
            raise self._advice.no_classes()
        one, more = depths[1], rest.total - depths[0] - depths[1]
        if one >= more:
            return self._one_level(rest)
        if depths[2] <= MAX_STRAYS * more:
            return self._three_levels(rest)
        return self._two_levels(rest)

    def _one_level(self, rest: FolderTree) -> Levels:
        classes = {folders[0] for folders in rest.counts if len(folders) == 1}
        deeper = sorted(rest.names(0) - classes)
        if deeper:
            readings = [self._splits.insert(levels) for levels in ((CLASS,), (DOMAIN, CLASS))]
            lower = next(folders for folders in sorted(rest.counts) if folders[:1] == (deeper[0],))
            raise self._advice.mixed(min(classes), "/".join(lower), readings)
        if len(classes) == 1 and _holds_everything(min(classes)):
            raise self._advice.no_classes()
        if not self._options.domain:
            raise self._advice.no_domain(self._splits.insert((CLASS,)))
        return (CLASS,)

    def _two_levels(self, rest: FolderTree) -> Levels:
        domains = rest.names(0)
        classes = {folders[1] for folders in rest.counts if len(folders) == 2}
        direct = {folders[0] for folders in rest.counts if len(folders) == 1}
        example = "/".join(min(folders for folders in rest.counts if len(folders) == 2))
        readings = [self._splits.insert((DOMAIN, CLASS))]
        for name in sorted((direct & classes) - {top for (top,) in rest.groups(1)}):
            raise self._advice.mixed(name, example, readings)
        for parent, children in sorted(rest.groups(2).items()):
            if parent not in rest.counts and parent[1] not in classes and children & classes:
                lower = "/".join((*parent, min(children & classes)))
                raise self._advice.mixed(example, lower, readings)
        if len(domains) == 1 and _holds_everything(min(domains)):
            choices = [self._splits.insert(levels) for levels in ((ANY, CLASS), (DOMAIN, CLASS))]
            raise self._advice.container(min(domains), choices)
        return (DOMAIN, CLASS)

    def _three_levels(self, rest: FolderTree) -> Levels:
        """Return the meaning of three levels or more, where pictures lie in the last alone."""
        tops, middles = rest.names(0), rest.names(1)
        lone_top = len(tops) == 1 and _holds_everything(min(tops))
        if len(middles) == 1 and _is_container(min(middles)) and not lone_top:
            return (DOMAIN, ANY, CLASS)
        if _are_subfolders(rest):
            return (DOMAIN, CLASS)
        readings = [(DOMAIN, ANY, CLASS), (ANY, DOMAIN, CLASS), (DOMAIN, CLASS)]
        raise self._advice.too_deep([self._splits.insert(levels) for levels in readings])


def _is_container(name: str) -> bool:
    return name.strip().lower() in CONTAINER_NAMES


def _holds_everything(name: str) -> bool:
    """Return whether the only folder of a level is most likely no domain and no class."""
    return _is_container(name) or split_of_name(name) is not None


def _are_subfolders(tree: FolderTree) -> bool:
    """Return whether the third level divides classes, such as folders of patients.

    Then the second level has the same names in several domains, and the third has no name in two
    classes.
    """
    domains_of: dict[str, set[str]] = {}
    for (domain,), classes in tree.groups(1).items():
        for label in classes:
            domains_of.setdefault(label, set()).add(domain)
    shared = sum(len(domains) > 1 for domains in domains_of.values())
    classes_of: dict[str, set[str]] = {}
    for (_, label), names in tree.groups(2).items():
        for name in names:
            classes_of.setdefault(name, set()).add(label)
    repeated = any(len(classes) > 1 for classes in classes_of.values())
    return len(domains_of) > 1 and shared * 2 >= len(domains_of) and not repeated
