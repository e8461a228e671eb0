"""The listing of everything awkward: every file is used, rejected, or counted as left alone."""

import pytest
from hard_tree import LOOP, NOT_OPENED, NOT_REGULAR, NOT_UTF_8, HardTree
from hard_variants import (
    SPLITS,
    files_on_disk,
    make_hard_tree_of_ranges,
    put_below_splits,
    write_hard_manifest,
)

from pipeline.inputs.folder import find_layout, scan_folder
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.manifest import read_usable_manifest
from trainer_module.contract.listing_row import ListingRow


@pytest.fixture(name="tree")
def _tree(tmp_path):
    tree = make_hard_tree_of_ranges(tmp_path / "data")
    yield tree
    tree.unlock()


def known_before_reading(reason: str) -> bool:
    """Return whether a file is rejected for its path, whatever is in it."""
    return reason.startswith("not in ") or reason in (LOOP, NOT_OPENED, NOT_REGULAR, NOT_UTF_8)


def check_listing(tree: HardTree, levels: tuple[str, ...]) -> list[ListingRow]:
    """Check that the files of a tree add up, and return their rows."""
    rows: list[ListingRow] = []
    layout = find_layout(tree.root, LayoutOptions())
    assert layout.levels == levels
    skipped = scan_folder(tree.root, rows.append, layout)
    assert {row["path"] for row in rows} == tree.used | tree.rejected.keys()
    assert len(rows) == len(tree.used) + len(tree.rejected)
    assert sum(skipped.ignored.values()) == len(tree.ignored)
    assert files_on_disk(tree) == len(rows) + sum(skipped.ignored.values())
    reasons = {row["path"]: row["reason"].split(":")[0] for row in rows if "reason" in row}
    expected = {path: text for path, text in tree.rejected.items() if known_before_reading(text)}
    # A file without permissions is found, but cannot be read.
    locked = {path for path in expected if path.endswith("/locked.png")}
    assert reasons == {path: text for path, text in expected.items() if path not in locked}
    return rows


def test_the_files_of_the_hard_tree_add_up(tree):
    check_listing(tree, ("domain", "class"))


def test_the_files_of_the_hard_tree_below_split_folders_add_up(tree):
    tree = put_below_splits(tree)
    rows = check_listing(tree, ("split", "domain", "class"))
    splits = {"train": "train", "valid": "eval", "test": "test"}
    for row in rows:
        if row["path"] in tree.used:
            assert row["split"] == splits[row["path"].split("/")[0]]
    assert {path.split("/")[0] for path in tree.used} == set(SPLITS)


def test_the_rows_of_a_hard_manifest_add_up(tree):
    manifest = write_hard_manifest(tree)
    rows = list(read_usable_manifest(str(manifest.path)))
    used = {row["path"] for row in rows if "reason" not in row}
    assert used == manifest.used
    rejected = [row for row in rows if "reason" in row]
    assert len(rows) == len(manifest.used) + len(manifest.rejected)
    assert {row["path"] for row in rejected} == manifest.rejected.keys()
    for row in rejected:
        assert manifest.rejected[row["path"]] in row["reason"]
