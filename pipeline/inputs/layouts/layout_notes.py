"""Sentences that tell the user how a folder was read, where that may be doubted."""

from pipeline.config.layout_pattern import CLASS, DOMAIN, SPLIT
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import Layout
from pipeline.inputs.layouts.layout_remedies import LayoutRemedies
from pipeline.inputs.layouts.split_names import split_in_name, split_of_name
from trainer_module.contract.output_text.wording import listed, named, quoted


def layout_notes(
    layout: Layout, tree: FolderTree, given: bool, remedies: LayoutRemedies
) -> tuple[str, ...]:
    """Return what the user must know about a layout; nothing for a plain <domain>/<class>/.

    Args:
        layout: Layout of the tree.
        tree: Folders of the data.
        given: Whether the user gave the layout.
        remedies: Words for what the user can do.
    """
    placed = {
        folders[: len(layout.levels)]
        for folders in tree.counts
        if len(folders) >= len(layout.levels)
    }
    notes = []
    if layout.levels != (DOMAIN, CLASS):
        notes.append(_description(layout, placed))
    for split, share in layout.missing:
        notes.append(
            f"No folder is for {split}: of the pictures for training, {share:.0%} are {split} "
            "pictures, by a hash of their paths."
        )
    if given:
        return tuple(notes)
    for noun in (DOMAIN, CLASS) if SPLIT not in layout.levels else ():
        names = [name for name in _names(layout, placed, noun) if split_of_name(name)]
        notes.extend(
            f"Folder {quoted(name)} is read as a {noun}. If it is a split, every picture must lie "
            "in a split folder."
            for name in names
        )
    if _no_shared_class(layout, placed):
        notes.append(
            "No class is in two domains. If the upper folders are classes, give "
            f"{remedies.layout('class')} {remedies.domain}."
        )
    return tuple(notes)


def _description(layout: Layout, placed: set[tuple[str, ...]]) -> str:
    text = f"The layout is {layout.text}<picture>"
    if layout.domain is not None:
        text += f", all in domain {quoted(layout.domain)}"
    if SPLIT in layout.levels:
        names = {name: split_in_name(name) for name in _names(layout, placed, SPLIT)}
        text += ": " + listed(
            f"{named('folder', [name])} is {split}" if split else f"{quoted(name)} is no split"
            for name, split in names.items()
        )
    return f"{text}."


def _names(layout: Layout, placed: set[tuple[str, ...]], level: str) -> list[str]:
    if level not in layout.levels:
        return []
    index = layout.levels.index(level)
    return sorted({folders[index] for folders in placed})


def _no_shared_class(layout: Layout, placed: set[tuple[str, ...]]) -> bool:
    if layout.levels != (DOMAIN, CLASS):
        return False
    domains = {domain for domain, _ in placed}
    classes = {label for _, label in placed}
    return len(domains) > 1 and len(placed) == len(classes) > len(domains)
