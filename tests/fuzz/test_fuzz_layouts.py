"""Random trees of folders: every file counts once, and a layout is found or refused in a line."""

import posixpath
from pathlib import Path, PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.layout_pattern import parse_pattern
from pipeline.inputs.folder import scan_folder
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import Layout, LayoutOptions
from pipeline.inputs.layouts.layout_recognition import choose_layout
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow

ODD_FOLDERS = (
    "train",
    "val",
    "Test",
    "images",
    "data",
    "a b",
    "*",
    "[x]",
    "caf\udce9",
    "\x1b[31m",
    "\u2028",
)
FOLDERS = st.sampled_from(["day", "night", "cat", "dog", *ODD_FOLDERS]) | st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=4
).filter(lambda name: name not in (".", ".."))
FILES = st.sampled_from(
    ["1.png", "2.jpg", "Thumbs.db", ".DS_Store", "a.json", "readme.txt", "b.png.part"]
)
PATHS = st.builds(
    lambda folders, file: PurePosixPath(*folders, file), st.lists(FOLDERS, max_size=5), FILES
)
TREES = st.lists(PATHS, max_size=25, unique=True)
OPTIONS = st.builds(
    LayoutOptions,
    st.sampled_from(
        ["auto", "class", "domain/class", "split/domain/class", "*/class", "domain/*/class"]
    ),
    st.sampled_from([None, "phone", ""]),
    is_batch=st.booleans(),
)


def layout_of(tree: FolderTree, options: LayoutOptions) -> Layout | None:
    """Return the layout of a tree; None after one line about what is unclear."""
    try:
        return choose_layout(tree, "my pictures", options)
    except InputError as error:
        assert "\n" not in str(error)
        return None


@given(TREES, OPTIONS)
def test_a_layout_is_found_or_refused_and_places_every_file(
    paths: list[PurePosixPath], options: LayoutOptions
) -> None:
    layout = layout_of(FolderTree.of_files(paths), options)
    if layout is None:
        return
    assert layout.levels == parse_pattern("/".join(layout.levels))
    for path in paths:
        placed = layout.place(path)
        assert bool(placed.label) or placed.reason
        assert placed.split in (None, "train", "eval", "test")


@given(TREES)
def test_the_counts_of_a_tree_add_up(paths: list[PurePosixPath]) -> None:
    tree = FolderTree.of_files(paths)
    assert sum(tree.depths().values()) == tree.total <= len(paths)
    for level in range(3):
        assert tree.without_levels(level, 0).total <= tree.total
        assert set().union(*tree.groups(level).values()) == tree.names(level)


@settings(max_examples=40)
@given(TREES, OPTIONS)
def test_every_file_of_a_folder_is_listed_or_counted_once(
    tmp_path_factory, paths: list[PurePosixPath], options: LayoutOptions
) -> None:
    root = tmp_path_factory.mktemp("tree")
    written = _write(root, paths)
    layout = layout_of(FolderTree.of_files(written), options) or Layout(("domain", "class"))
    rows: list[ListingRow] = []
    skipped = scan_folder(root, rows.append, layout)
    listed = [row["path"] for row in rows]
    assert len(set(listed)) == len(listed)
    assert {posixpath.normpath(path) for path in listed} <= {path.as_posix() for path in written}
    assert len(listed) + sum(skipped.ignored.values()) == len(written)


def _write(root: Path, paths: list[PurePosixPath]) -> list[PurePosixPath]:
    """Write empty files; return those whose folders are no files."""
    written = []
    for path in paths:
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch(exist_ok=False)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        written.append(path)
    return written
