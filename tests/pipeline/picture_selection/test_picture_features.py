"""One pass over pictures gives their features, and counts what is left out."""

import numpy as np
import pytest
from tiny_pictures import solid, write_files

from components.image_example_gen.splits import digest
from pipeline.picture_selection.picture_features import HASH_BYTES, read_features
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture

pytestmark = pytest.mark.component


def test_pictures_keep_their_order_and_each_content_and_label_counts_once(model, tmp_path):
    colours = {"a": (200, 50, 0), "b": (0, 50, 150), "c": (200, 50, 0), "d": (9, 9, 0)}
    files = {f"{name}.png": solid(colour) for name, colour in colours.items()}
    write_files(tmp_path, files | {"bad.png": b"no picture"})
    pictures = [
        UnlabelledPicture(str(tmp_path / name), name, "fog")
        for name in ("b.png", "bad.png", "a.png", "c.png", "d.png")
    ]
    done: list[int] = []
    features = read_features(pictures, model, {digest(files["d.png"])}, None, done.append)
    assert [picture.name for picture in features.pictures] == ["b.png", "a.png"]
    assert features.labels == ["blue", "red"]
    np.testing.assert_allclose(features.probabilities, [[0, 0.25, 0.75], [0.8, 0.2, 0]])
    np.testing.assert_array_equal(features.embeddings, [colours["b"], colours["a"]])
    assert features.embeddings.dtype == np.float16
    assert features.hashes.shape == (2, HASH_BYTES)
    assert (features.num_known, features.num_copies, sum(done)) == (1, 1, 5)
    assert features.unusable == [("bad.png", "not a picture in a known format")]


def test_files_above_the_limit_are_unusable(model, tmp_path):
    write_files(tmp_path, {"a.png": solid("red")})
    pictures = [UnlabelledPicture(str(tmp_path / "a.png"), "a.png", "fog")]
    features = read_features(pictures, model, set(), 10, lambda _: None)
    assert features.pictures == features.labels == []
    assert "max_file_bytes" in features.unusable[0][1]
