"""What the messages about the layout of a batch offer: it exists, and it resolves them."""

import re
import shlex

import pytest
from layout_trees import SHAPES, STYLES, pictures

from pipeline.config.config_file import load_config
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import DOMAIN_CLASS, LayoutOptions, batch_layout
from pipeline.inputs.layouts.layout_recognition import choose_layout
from trainer_module.contract.errors import InputError

#: Batch whose layout is not clear -> number of layouts or domains that the message offers.
UNCLEAR = {
    "classes alone": (pictures(SHAPES), 1),
    "one class": (pictures("circle"), 1),
    "splits above classes": (pictures(("train", "test"), SHAPES), 1),
    "a folder around all": (pictures("export", STYLES, SHAPES), 1),
    "two folders around all": (pictures("a b", "v1", STYLES, SHAPES), 1),
    "a folder around the classes": (pictures("images", SHAPES), 1),
    "an unknown folder between": (pictures(STYLES, "v2", SHAPES), 3),
    "collections of domains": (pictures(("first", "second"), STYLES, SHAPES), 3),
    "different levels": (
        [*pictures("photo", SHAPES), *pictures("sketch", "images", SHAPES)],
        1,
    ),
    "splits beside others": (pictures(("train", "test", "extra"), SHAPES), 2),
    "splits inside of splits": (pictures(("train", "test"), ("train", "test"), SHAPES), 2),
    "pictures without folders": (pictures(), 0),
}


def batch_options(*overrides: str) -> LayoutOptions:
    return batch_layout(load_config(None, list(overrides), {"data": "/data", "workspace": "/w"}))


def refusal(paths: list, *overrides: str) -> str:
    with pytest.raises(InputError) as error:
        choose_layout(FolderTree.of_files(paths), "/inbox/monday", batch_options(*overrides))
    return str(error.value)


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_the_message_offers_for_a_batch_is_an_option_of_retrain_that_resolves_it(name):
    paths, number = UNCLEAR[name]
    message = refusal(paths)
    assert not re.search(r"--(layout|domain|data)\b", message.partition(": carryover manifest")[0])
    assert message.endswith(", and deliver the batch again.")
    offered = re.findall(r"(?<!with )--set .+?(?= \(| in its place| if |, or |, and )", message)
    assert len(offered) == number
    for offer in offered:
        settings = [word for word in shlex.split(offer) if word != "--set"]
        options = batch_options(*(word.replace("NAME", "night") for word in settings))
        assert choose_layout(FolderTree.of_files(paths), "/inbox/monday", options).levels


@pytest.mark.parametrize("wrappers", [("export",), ("a b", "v1")])
def test_the_folder_that_the_message_offers_for_a_batch_is_a_batch(wrappers):
    message = refusal(pictures(*wrappers, STYLES, SHAPES))
    folder = shlex.quote("/".join(["/inbox/monday", *wrappers]))
    assert f"Deliver {folder} (domains 'cartoon'" in message
    inner = FolderTree.of_files(pictures(STYLES, SHAPES))
    assert choose_layout(inner, folder, batch_options()).levels == DOMAIN_CLASS.levels


@pytest.mark.parametrize("pattern", ["class", "split/class"])
def test_a_layout_of_batches_without_a_domain_offers_the_key_of_the_domain(pattern):
    message = refusal(pictures(("train", "test"), SHAPES), f"retrain.layout={pattern}")
    assert "Give --set domain=NAME, too, and deliver the batch again." in message


def test_a_layout_of_batches_that_no_picture_has_offers_the_key_of_the_layout():
    message = refusal(pictures(SHAPES), "retrain.layout=split/domain/class")
    assert "Give another layout: --set retrain.layout=LEVELS, and deliver the batch" in message


def test_the_note_about_a_batch_without_shared_classes_offers_what_retrain_has():
    paths = [*pictures("photo", ("a", "b")), *pictures("sketch", ("c", "d"))]
    layout = choose_layout(FolderTree.of_files(paths), "/inbox/monday", batch_options())
    assert layout.notes == (
        "No class is in two domains. If the upper folders are classes, give --set "
        "retrain.layout=class --set domain=NAME.",
    )
