"""Names of folders that data set tools give to splits."""

import pytest

from pipeline.inputs.layouts.split_names import split_in_name, split_of_name


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("TRAINING", "train"),
        ("train2017", "train"),
        ("1_train", "train"),
        ("Training Set", "train"),
        ("val", "eval"),
        ("valid", "eval"),
        ("validate", "eval"),
        ("Validation-set", "eval"),
        ("val_images", "eval"),
        ("dev", "eval"),
        ("eval", "eval"),
        ("test", "test"),
        ("testing", "test"),
        ("seg_test", "test"),
        ("images_test", "test"),
        (" test ", "test"),
    ],
)
def test_a_name_that_tools_give_to_a_split(name, split):
    assert split_of_name(name) == split


OTHERS = (
    "trains",
    "trainer",
    "strain",
    "crash test",
    "developer",
    "value",
    "valley",
    "contest",
    "",
)


@pytest.mark.parametrize("name", [*OTHERS, "train station", "day", "2017"])
def test_another_name(name):
    assert split_of_name(name) is None


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("X_train", "train"),
        ("animals-test", "test"),
        ("2024.val.cropped", "eval"),
        ("crash test", "test"),
        ("train2017", "train"),
        ("test-dev", None),
        ("trainer", None),
        ("day", None),
        ("", None),
    ],
)
def test_a_word_in_a_name_may_speak_of_a_split(name, split):
    assert split_in_name(name) == split
