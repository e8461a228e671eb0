from collections import Counter

import pytest

from components.image_example_gen.splits import assign_split, split_key


def test_a_key_always_has_the_same_split():
    # Pinned: another hash would move every picture of every workspace.
    splits = [assign_split(key, 0.15, 0.2) for key in (b"a", b"b", b"c", b"d", b"e", b"f")]
    assert splits == ["train", "eval", "test", "test", "eval", "test"]


def test_the_shares_are_about_what_was_asked_for():
    counts = Counter(assign_split(b"%d" % number, 0.15, 0.2) for number in range(10_000))
    assert counts["eval"] == pytest.approx(1_500, abs=120)
    assert counts["test"] == pytest.approx(2_000, abs=120)
    assert counts.total() == 10_000


def test_another_eval_share_moves_no_picture_into_or_out_of_test():
    keys = [b"%d" % number for number in range(1_000)]
    before = [assign_split(key, 0.1, 0.2) == "test" for key in keys]
    assert [assign_split(key, 0.5, 0.2) == "test" for key in keys] == before


def test_by_content_copies_stay_together_and_names_do_not_matter():
    assert split_key("day/cat/a.png", b"1", "content") == split_key("x/y/b.jpg", b"1", "content")
    assert split_key("day/cat/a.png", b"1", "content") != split_key(
        "day/cat/a.png", b"2", "content"
    )


def test_by_stem_files_of_one_name_stay_together_whatever_their_folder_and_content():
    key = split_key("photo/cat/1f600.png", b"1", "stem")
    assert key == split_key("sketch/cat/1f600.jpg", b"2", "stem")
    assert key != split_key("photo/cat/1f601.png", b"1", "stem")


def test_a_stem_that_is_no_utf_8_has_a_key():
    assert split_key("day/cat/caf\udce9.png", b"", "stem") == b"caf\xe9"
