"""Paths of pictures in folders of every layout, and what is recognised in them."""

import itertools
from collections import Counter
from pathlib import PurePosixPath

import pytest

from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import Layout, LayoutOptions
from pipeline.inputs.layouts.layout_recognition import choose_layout
from trainer_module.contract.errors import InputError

#: Number of pictures in every folder.
PER_FOLDER = 20

STYLES, SHAPES = ("photo", "sketch", "cartoon"), ("circle", "square", "cross")


def pictures(*levels: str | tuple[str, ...]) -> list[PurePosixPath]:
    """Return paths of pictures in every combination of the folders of some levels."""
    names = [(level,) if isinstance(level, str) else level for level in levels]
    return [
        PurePosixPath(*folders, f"{number}.png")
        for folders in itertools.product(*names)
        for number in range(PER_FOLDER)
    ]


def recognised(paths: list[PurePosixPath], **options: str) -> Layout:
    return choose_layout(FolderTree.of_files(paths), "my data", LayoutOptions(**options))


def refusal(paths: list[PurePosixPath], **options: str) -> str:
    with pytest.raises(InputError) as error:
        recognised(paths, **options)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("data folder 'my data' ")
    return message


def placed(paths: list[PurePosixPath], **options: str) -> Counter:
    """Count the pictures by domain, class and split."""
    layout = recognised(paths, **options)
    places = [layout.place(path) for path in paths]
    return Counter((place.domain, place.label, place.split) for place in places)
