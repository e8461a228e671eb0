"""Folders that are named for splits become splits, unless they are domains or classes."""

from collections import Counter

import pytest
from layout_trees import PER_FOLDER, SHAPES, STYLES, pictures, placed, recognised, refusal


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Training", "Validation", "Testing"),
        ("train", "valid", "test"),
        ("TRAIN", "dev", "Test"),
        ("training_set", "val_set", "test_set"),
        ("train2017", "val2017", "test2017"),
        ("seg_train", "eval", "seg_test"),
    ],
    ids=", ".join,
)
@pytest.mark.parametrize("position", [0, 1, 2], ids=["above", "between", "below"])
def test_split_folders_at_any_level_become_the_splits_of_their_pictures(names, position):
    levels = [STYLES, SHAPES]
    levels.insert(position, names)
    splits = dict(zip(names, ("train", "eval", "test"), strict=True))
    expected = {
        (domain, label, split): PER_FOLDER
        for domain in STYLES
        for label in SHAPES
        for split in splits.values()
    }
    assert placed(pictures(*levels)) == expected


@pytest.mark.parametrize(
    "levels", [(("train", "test", "val"), SHAPES), (SHAPES, ("train", "test", "val"))]
)
def test_split_folders_without_domains_need_the_name_of_the_domain(levels):
    message = refusal(pictures(*levels))
    assert "classes 'circle', 'cross' and 'square'" in message
    assert "Give --domain NAME" in message
    assert placed(pictures(*levels), domain="web") == {
        ("web", label, split): PER_FOLDER for label in SHAPES for split in ("train", "eval", "test")
    }


def test_the_split_folders_are_named_with_the_split_that_they_become():
    [note] = recognised(pictures(STYLES, ("train", "dev", "testing"), SHAPES)).notes
    assert note == (
        "The layout is <domain>/<split>/<class>/<picture>: folder 'dev' is eval, folder 'testing' "
        "is test and folder 'train' is train."
    )


def test_a_split_folder_that_holds_itself_again_is_one_level():
    paths = [
        *pictures("training_set", "training_set", SHAPES),
        *pictures("test_set", "test_set", SHAPES),
    ]
    counts = placed(paths, domain="kaggle")
    assert {key[:2] for key in counts} == {("kaggle", label) for label in SHAPES}
    assert sum(n for (_, _, split), n in counts.items() if split == "test") == 3 * PER_FOLDER


@pytest.mark.parametrize(
    ("names", "missing"),
    [(("train", "test"), "eval"), (("train", "val"), "test"), (("Training", "valid"), "test")],
    ids=lambda value: str(value),
)
def test_a_split_without_a_folder_gets_its_share_of_the_training_pictures(names, missing):
    paths = pictures(names, STYLES, SHAPES)
    layout = recognised(paths)
    assert any(note.startswith(f"No folder is for {missing}: ") for note in layout.notes)
    counts = Counter(layout.place(path).split for path in paths if path.parts[0] == names[0])
    assert set(counts) == {"train", missing}
    assert 0.08 < counts[missing] / sum(counts.values()) < 0.25  # 15% is expected
    other = Counter(layout.place(path).split for path in paths if path.parts[0] == names[1])
    assert set(other) == {"test" if missing == "eval" else "eval"}


def test_adding_pictures_does_not_change_the_split_of_others():
    paths = pictures(("train", "test"), STYLES, SHAPES)
    more = [*paths, *pictures(("train", "test"), "painting", SHAPES)]
    before, after = recognised(paths), recognised(more)
    assert [before.place(path) for path in paths] == [after.place(path) for path in paths]


def test_a_domain_that_is_left_out_for_testing_keeps_its_split():
    paths = [*pictures(("photo", "sketch"), "train", SHAPES), *pictures("cartoon", "test", SHAPES)]
    counts = placed(paths)
    assert {split for (domain, _, split) in counts if domain == "cartoon"} == {"test"}
    assert {split for (domain, _, split) in counts if domain == "photo"} == {"train", "eval"}


@pytest.mark.parametrize(
    "paths",
    [
        [*pictures("day", SHAPES), *pictures("night", ("train", "test"), SHAPES)],
        pictures(("train", "test", "extra"), SHAPES),
        [*pictures(("train", "val"), STYLES, SHAPES), *pictures("unlabeled", "x", "y")],
        pictures(STYLES, ("train", "test", "circle")),
    ],
    ids=["in one domain", "beside a class folder", "beside unlabelled ones", "among classes"],
)
def test_split_folders_beside_other_folders_stop_with_both_named(paths):
    message = refusal(paths)
    assert "which may be splits, beside folder" in message
    assert "--layout domain/class (" in message


def test_split_folders_without_class_folders_stop():
    assert "in 'train', where no folder names their class" in refusal(pictures(("train", "val")))
    assert "in 'images/train'" in refusal(pictures("images", ("train", "val")))


@pytest.mark.parametrize("name", ["train", "Test", "dev", "eval"])
def test_a_class_may_have_the_name_of_a_split(name):
    vehicles = (name, "car", "bus")
    layout = recognised(pictures(STYLES, vehicles))
    assert layout.levels == ("domain", "class")
    [note] = layout.notes
    assert note.startswith(f"Folder '{name}' is read as a class.")
    assert recognised(pictures(vehicles), domain="road").levels == ("class",)
    assert recognised(pictures("fog", name)).levels == ("domain", "class")  # trains in the fog


@pytest.mark.parametrize("name", ["train", "Test", "validation"])
def test_a_domain_may_have_the_name_of_a_split(name):
    layout = recognised(pictures((name, "day", "night"), SHAPES))
    assert layout.levels == ("domain", "class")
    assert layout.notes[0].startswith(f"Folder '{name}' is read as a domain.")


def test_a_class_named_train_is_a_class_inside_of_split_folders_too():
    counts = placed(pictures(("train", "val", "test"), ("day", "night"), ("train", "car")))
    assert counts["day", "train", "test"] == PER_FOLDER
    assert {label for _, label, _ in counts} == {"train", "car"}


@pytest.mark.parametrize(
    ("levels", "layout"),
    [
        ((("train", "test"), SHAPES), "domain/class"),
        ((STYLES, ("train", "test")), "domain/class"),
        (("train", SHAPES), "domain/class"),
    ],
    ids=["domains", "classes", "one domain"],
)
def test_a_given_layout_wins_over_the_names_of_splits(levels, layout):
    assert recognised(pictures(*levels), layout=layout).notes == ()
    assert {split for _, _, split in placed(pictures(*levels), layout=layout)} == {None}


def test_a_single_folder_that_is_named_for_a_split_stops():
    message = refusal(pictures("train", SHAPES))
    assert "--data 'my data/train' --domain NAME, or --layout domain/class" in message


@pytest.mark.parametrize(
    "names",
    [
        ("X_train", "X_test"),
        ("animals train", "animals val", "animals test"),
        ("my-test", "my-dev"),
    ],
)
@pytest.mark.parametrize("position", [0, 1])
def test_words_for_splits_in_all_names_stop_and_the_offered_layouts_read_them(names, position):
    levels = [STYLES, SHAPES]
    levels.insert(position, names)
    message = refusal(pictures(*levels))
    assert all(repr(name) in message for name in names)
    assert "which may be splits. Name them train, val and test, or give --layout " in message
    layout = ["domain", "class"]
    layout.insert(position, "split")
    assert f"--layout {'/'.join(layout)} (domains 'cartoon', 'photo' and 'sketch'" in message
    counts = placed(pictures(*levels), layout="/".join(layout))
    assert len({split for _, _, split in counts}) >= len(names)
    assert None not in {split for _, _, split in counts}
    assert sum(counts.values()) == len(pictures(*levels))


@pytest.mark.parametrize(
    "names", [("train station", "bus stop"), ("freight train", "express train")]
)
def test_words_for_splits_in_some_names_or_for_one_split_are_no_matter(names):
    assert recognised(pictures(names, SHAPES)).levels == ("domain", "class")
    assert recognised(pictures(STYLES, names)).levels == ("domain", "class")
