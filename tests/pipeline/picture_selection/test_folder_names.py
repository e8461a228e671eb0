"""No folder and no copy of a chosen picture is skipped, or shared by two domains."""

import pytest

from pipeline.inputs.layouts.layout import DOMAIN_CLASS
from pipeline.inputs.system_files import skipped_kind
from pipeline.picture_selection.folder_names import MAX_NAME, name_copy, name_folders

ODD = ["day/1", "day/2", "..", "", " ", "/", "_to_label", "_x", ".night", "@eaDir", "@GMT-2020.1"]
LONG = [f"{'x' * 230}1", f"{'x' * 230}2", "\u00e9" * 120]


def test_a_domain_keeps_its_name_where_a_folder_can_have_it():
    names = ["day", "day_1", "=1+1", "\u00e4 b", "train"]
    assert name_folders(names) == dict(zip(names, names, strict=True))


def test_every_other_domain_gets_a_folder_of_its_own():
    folders = name_folders([*ODD, *LONG, "day_1", "Selection.csv"], ["selection.csv"])
    assert folders["day_1"] == "day_1"
    assert len(set(folders.values())) == len(folders)
    assert "Selection.csv" not in folders.values()
    for name in folders.values():
        assert skipped_kind(name, is_folder=True) is None
        assert DOMAIN_CLASS.place_folder((name, "car")).reason is None
        assert len(name.encode()) <= MAX_NAME
    assert name_folders(["day/1"])["day/1"] == folders["day/1"]


@pytest.mark.parametrize("name", [".1.png", "Thumbs.db", "1.part", "..", ".Thumbs.db", ".part"])
def test_no_copy_is_skipped(name):
    assert skipped_kind(name_copy(name), is_folder=False) is None


def test_other_names_of_copies_stay_as_they_are():
    assert name_copy("a b.png") == "a b.png"
    assert name_copy("a\udcff.png") == "a_.png"
    assert name_copy(f"{'n' * 250}.png").endswith("n.png")
