"""Levels of folders become domains and classes, or stop with advice."""

import itertools
from pathlib import PurePosixPath

import pytest
from layout_trees import PER_FOLDER, SHAPES, STYLES, pictures, placed, recognised, refusal

from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import Layout, LayoutOptions
from pipeline.inputs.layouts.layout_recognition import choose_layout
from trainer_module.contract.errors import InputError


def test_domains_and_classes_need_no_word():
    assert recognised(pictures(STYLES, SHAPES)) == Layout(("domain", "class"))


def test_folders_below_some_classes_belong_to_them():
    paths = [*pictures("day", SHAPES), *pictures("night", SHAPES, ("near", "far"))]
    assert recognised(paths) == Layout(("domain", "class"))


def test_folders_of_patients_below_every_class_belong_to_the_classes():
    paths = [
        path
        for site, label, number in itertools.product(("s1", "s2"), ("ok", "tumour"), range(3))
        for path in pictures(site, label, f"{site}-{label}-{number}")
    ]
    assert recognised(paths) == Layout(("domain", "class"))


@pytest.mark.parametrize("container", ["images", "Images", "JPEGImages", "imgs", "data"])
def test_one_folder_of_pictures_in_every_domain_is_skipped(container):
    paths = pictures(("amazon", "dslr", "webcam"), container, SHAPES)
    assert recognised(paths).levels == ("domain", "*", "class")
    assert {domain for domain, _, _ in placed(paths)} == {"amazon", "dslr", "webcam"}
    assert {label for _, label, _ in placed(paths)} == set(SHAPES)


@pytest.mark.parametrize(
    "wrappers", [("kfold",), ("data", "dataset"), ("OfficeHome", "v1", "raw")], ids="/".join
)
def test_folders_around_all_domains_stop_with_the_folder_to_give(wrappers):
    message = refusal(pictures(*wrappers, STYLES, SHAPES))
    below = "/".join(wrappers)
    assert (
        f"Give --data 'my data/{below}' (domains 'cartoon', 'photo' and 'sketch'; classes "
        "'circle', 'cross' and 'square'), or --layout domain/class"
    ) in message
    [top, *_] = wrappers
    assert f"domain '{top}'" in message


def test_a_preview_beside_the_classes_does_not_hide_the_folder_around_all_domains():
    paths = [*pictures("kfold", STYLES, SHAPES), PurePosixPath("kfold/photo/preview.png")]
    assert "Give --data 'my data/kfold' (domains" in refusal(paths)


@pytest.mark.parametrize("middle", ["train", "v2", "renamed"])
def test_one_unknown_folder_in_every_domain_stops_with_the_layout_to_give(middle):
    message = refusal(pictures(STYLES, middle, SHAPES))
    assert "Give --layout 'domain/*/class' (domains 'cartoon', 'photo' and 'sketch'" in message
    assert recognised(pictures(STYLES, middle, SHAPES), layout="domain/*/class").levels == (
        "domain",
        "*",
        "class",
    )


def test_collections_of_domains_stop():
    message = refusal(pictures(("first", "second"), STYLES, SHAPES))
    assert "--layout '*/domain/class' (domains 'cartoon', 'photo' and 'sketch'" in message
    assert "--layout domain/class (domains 'first' and 'second'" in message


@pytest.mark.parametrize(
    ("paths", "upper", "lower"),
    [
        (
            [*pictures("day", SHAPES), *pictures("night", "images", SHAPES)],
            "day/circle",
            "night/images/circle",
        ),
        (
            [*pictures("day", SHAPES), *pictures("more", "night", SHAPES)],
            "day/circle",
            "more/night/circle",
        ),
        (
            [*pictures("day", SHAPES), *pictures("night", "train", SHAPES)],
            "day/circle",
            "night/train/circle",
        ),
        ([*pictures(SHAPES), *pictures("night", SHAPES)], "circle", "night/circle"),
        ([*pictures(("day", "dusk"), SHAPES), *pictures("circle")], "circle", "day/circle"),
    ],
    ids=["container", "wrapper", "split", "half one level", "one class on top"],
)
def test_classes_at_different_levels_stop_with_an_example_of_each(paths, upper, lower):
    message = refusal(paths)
    assert f"classes at different levels: '{upper}' and '{lower}'" in message


@pytest.mark.parametrize("top", ["images", "data", "Dataset"])
def test_a_single_folder_of_pictures_in_place_of_the_domains_stops(top):
    message = refusal(pictures(top, SHAPES))
    assert f"Give --data 'my data/{top}' --domain NAME, or --layout domain/class" in message


def test_class_folders_alone_need_the_name_of_the_domain():
    message = refusal(pictures(SHAPES))
    assert "has the layout <class>/<picture>, and no folder names the domain" in message
    assert "Give --domain NAME (config key domain)" in message
    assert placed(pictures(SHAPES), domain="factory") == {
        ("factory", label, None): PER_FOLDER for label in SHAPES
    }


@pytest.mark.parametrize("name", ["fog", "cat", "_unlabelled"])
def test_a_single_folder_of_pictures_may_be_a_domain_or_a_class(name):
    message = refusal(pictures(name))
    assert f"directly in '{name}', which names either their domain or their class" in message
    assert recognised(pictures(name), domain="factory").levels == ("class",)


def test_class_folders_with_some_deeper_folders_are_one_level():
    paths = [*pictures(SHAPES), *pictures("circle", "large")]
    assert recognised(paths, domain="factory").levels == ("class",)


def test_a_domain_for_folders_that_name_the_domains_stops():
    message = refusal(pictures(STYLES, SHAPES), domain="factory")
    assert "and --domain names the domain 'factory', too" in message
    assert "--layout class --domain NAME (classes 'cartoon', 'photo' and 'sketch')" in message


def test_breeds_below_classes_are_one_level_if_the_layout_says_so():
    paths = [*pictures("cat", ("siamese", "manx")), *pictures("dog", ("poodle", "pug"))]
    assert recognised(paths).notes == (
        "No class is in two domains. If the upper folders are classes, give --layout class "
        "--domain NAME.",
    )
    assert set(placed(paths, layout="class", domain="pets")) == {
        ("pets", "cat", None),
        ("pets", "dog", None),
    }


def test_pictures_without_any_folder_stop():
    assert "has pictures directly in it" in refusal([PurePosixPath(f"{n}.png") for n in range(9)])


@pytest.mark.parametrize("name", ["train/_annotations.coco.json", "annotations/1.xml"])
def test_pictures_beside_annotations_stop_with_the_command_that_converts_them(name):
    message = refusal([*pictures("train"), PurePosixPath(name)])
    assert f"or convert the export that '{name}' belongs to: carryover manifest" in message


def test_odd_names_in_messages_stay_on_one_line():
    message = refusal(pictures(("a\x1b[31m", "b\nc", "d'e")))
    assert "'a\\x1b[31m'" in message
    assert "'b\\nc'" in message


@pytest.mark.parametrize(
    ("levels", "layout", "expected"),
    [
        ((SHAPES, STYLES), "class/domain", ("photo", "circle", None)),
        (("x", STYLES, "y", SHAPES), "*/domain/*/class", ("photo", "circle", None)),
        (
            (STYLES, SHAPES, ("train", "test", "val")),
            "domain/class/split",
            ("photo", "circle", "test"),
        ),
    ],
    ids=["classes above domains", "skipped levels", "splits below"],
)
def test_a_given_layout_says_what_every_level_means(levels, layout, expected):
    assert placed(pictures(*levels), layout=layout)[expected] == PER_FOLDER


def test_a_given_layout_without_domains_needs_one():
    with pytest.raises(
        InputError, match=r"layout class has no level for the domain\. Give --domain"
    ):
        recognised(pictures(SHAPES), layout="class")


def test_a_given_layout_with_domains_and_a_domain_is_refused():
    with pytest.raises(InputError, match="Leave one of them out"):
        recognised(pictures(STYLES, SHAPES), layout="domain/class", domain="factory")


def test_a_given_layout_that_no_picture_has_is_refused():
    message = refusal(pictures(SHAPES), layout="split/domain/class")
    assert "the deepest pictures lie in 'circle'. Give another layout: --layout LEVELS." in message


def test_the_domain_of_the_config_is_for_batches_without_domains_only():
    options = LayoutOptions(domain="factory", is_batch=True)
    for levels, expected in (((SHAPES,), ("class",)), ((STYLES, SHAPES), ("domain", "class"))):
        tree = FolderTree.of_files(pictures(*levels))
        assert choose_layout(tree, "batch", options).levels == expected
