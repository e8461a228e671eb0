"""The groups of the bundled pictures, and the sidecars that hold them."""

from collections import Counter

import numpy as np
import pytest
from emoji_pictures.lookalike_groups import GROUPS, sidecar_files
from emoji_pictures.picture_files import read_committed
from repository import ROOT

DATA = ROOT / "data"


def test_the_sidecars_are_what_the_script_builds() -> None:
    committed = read_committed(DATA)
    built = sidecar_files(path for path in committed if path.endswith(".png"))
    assert set(built) == {"pictures/sidecar.csv", "incoming/2026-line-art/sidecar.csv"}
    assert {path: committed[path] for path in built} == built


def test_every_emoji_of_a_group_is_bundled_and_in_one_group() -> None:
    stems = {path.stem for path in (DATA / "pictures" / "noto").rglob("*.png")}
    listed = Counter(stem for group in GROUPS for stem in group)
    assert set(listed) <= stems
    assert set(listed.values()) == {1}
    assert min(map(len, GROUPS)) > 1


def test_a_sidecar_has_a_row_for_each_drawing_of_an_emoji_in_a_group() -> None:
    found = sidecar_files(
        [
            "in/ink/face/1f608-smiling-face-with-horns.png",
            "in/oil/face/1f47f-imp.png",
            "in/ink/face/1f600-grinning.png",
        ]
    )
    assert found == {
        "in/sidecar.csv": b"path,group\n"
        b"ink/face/1f608-smiling-face-with-horns.png,1f47f-imp\n"
        b"oil/face/1f47f-imp.png,1f47f-imp\n"
    }


@pytest.mark.component
def test_all_bundled_pictures_that_look_alike_are_in_one_group() -> None:
    from components.data_gate.checks.hamming_search import MAX_SHARE
    from components.image_example_gen.picture_reader import read_picture
    from components.image_example_gen.picture_statistics import perceptual_hashes

    paths = sorted(path for path in read_committed(DATA) if path.endswith(".png"))
    assert len(paths) == 2668
    pictures = (read_picture((DATA / path).read_bytes()) for path in paths)
    hashes = perceptual_hashes(np.stack([picture.thumbnail for picture in pictures]))
    bits = np.unpackbits(np.array([list(one) for one in hashes], np.uint8), axis=1)
    bits = bits.astype(np.float32)  # counts are exact, and floats have a fast product
    distances = bits @ (1 - bits).T
    distances += distances.T
    group_of = {stem: group[0] for group in GROUPS for stem in group}
    stems = [path.rsplit("/", 1)[1].removesuffix(".png") for path in paths]
    groups = np.array([group_of.get(stem, stem) for stem in stems])
    first, second = np.nonzero(np.triu(distances <= bits.shape[1] * MAX_SHARE, 1))
    assert len(first) > 40
    assert (groups[first] == groups[second]).all()
