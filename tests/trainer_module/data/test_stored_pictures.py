"""Pictures that are read from the shards by row."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from trainer_fixtures import SIZE, Row, rows, serialize, write_split

from trainer_module.data.augmentation import RandomView
from trainer_module.data.picture_batches import picture_batches
from trainer_module.data.random_views import RandomViews
from trainer_module.data.stored_pictures import StoredPictures
from trainer_module.data.training_batches import training_batches
from trainer_module.data.transformed_examples import Pictures, read_pictures

pytestmark = pytest.mark.component

SPLIT = rows({"day": 20, "night": -20}, per_class=3, seed=1)


def two_shards(folder: Path, split: list[Row]) -> Pictures:
    """Write the first third of a split into one shard, and the rest into another."""
    third = len(split) // 3
    patterns = [
        write_split(folder / str(number), part)
        for number, part in enumerate((split[:third], split[third:]))
    ]
    return read_pictures(patterns, SIZE)


@pytest.fixture(name="pictures")
def _pictures(tmp_path: Path) -> Pictures:
    return two_shards(tmp_path, SPLIT)


def test_rows_of_several_shards_are_read_in_any_order(pictures):
    stored = StoredPictures(pictures)
    assert stored.shape == (18, SIZE, SIZE, 3)
    assert len(stored) == 18
    pixels = {row.image_id: row.pixels for row in SPLIT}
    chosen = np.array([17, 0, 5, 5, 9])
    read = stored[chosen]
    assert read.dtype == stored.dtype == np.uint8
    for position, row in enumerate(chosen):
        image_id = pictures.image_ids[row].as_py().decode()
        np.testing.assert_array_equal(read[position], pixels[image_id])
    assert stored[np.empty(0, np.int64)].shape == (0, SIZE, SIZE, 3)


def test_pictures_that_are_stored_as_jpeg_are_read_as_a_batch_reads_them(tmp_path):
    pictures = read_pictures([write_split(tmp_path / "jpeg", SPLIT, "jpeg")], SIZE)
    [(order, _, pixels)] = picture_batches(pictures, len(SPLIT)).as_numpy_iterator()
    np.testing.assert_array_equal(StoredPictures(pictures)[order], pixels)


def test_memory_holds_no_picture_that_is_not_asked_for(tmp_path):
    pictures = two_shards(tmp_path, rows({"day": 0}, per_class=200, seed=1))
    num_bytes = len(pictures) * len(serialize(SPLIT[0]))
    tracemalloc.start()
    stored = StoredPictures(pictures)
    for start in range(0, len(stored), 8):
        stored[np.arange(start, min(start + 8, len(stored)))]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < num_bytes / 5


def test_a_view_is_the_one_that_a_forward_pass_over_all_pictures_sees(pictures):
    views = RandomViews(StoredPictures(pictures), "medium", seed=3)
    augmentation = RandomView("medium")
    for rows_of_batch, draws, pixels in picture_batches(pictures, 18, view=2, seed=3):
        whole = augmentation(np.float32(pixels), draws, training=True).numpy()
        order = rows_of_batch.numpy()
    read = views.read(order, np.full(18, 2))
    np.testing.assert_allclose(views.augment(*read), whole, atol=1e-3)


def test_view_0_is_the_picture_itself_and_others_are_not(pictures):
    stored = StoredPictures(pictures)
    chosen = np.arange(4)
    pixels = stored[chosen]
    views = RandomViews(stored, "medium", seed=3)
    found = views.augment(*views.read(chosen, np.array([0, 1, 0, 2]))).numpy()
    np.testing.assert_array_equal(found[[0, 2]], pixels[[0, 2]])
    assert (np.abs(found[[1, 3]] - pixels[[1, 3]]).max(axis=(1, 2, 3)) > 1).all()
    later = RandomViews(stored, "medium", seed=3, first_view=1)
    np.testing.assert_array_equal(
        later.augment(*later.read(chosen, np.array([0, 0, 0, 1])))[3], found[3]
    )


def test_every_epoch_makes_other_views_and_a_seed_repeats_them(pictures):
    stored = StoredPictures(pictures)
    chosen = np.array([2, 3, 5, 7])

    def two_epochs() -> list[np.ndarray]:
        batches = training_batches(
            [stored],
            chosen,
            (np.arange(4),),
            np.ones(4),
            count=4,
            batch_size=4,
            seed=1,
            view_counts=np.full(18, 1000),
            random_views=RandomViews(stored, "medium", seed=1),
        )
        # In the order of the pictures: an epoch has an order of its own.
        return [
            views[np.argsort(order)]
            for _ in range(2)
            for views, order in batches.as_numpy_iterator()
        ]

    first, again = two_epochs(), two_epochs()
    assert first[0].dtype == np.float32
    np.testing.assert_allclose(first, again, atol=1e-3)
    assert (np.abs(first[0] - first[1]).max(axis=(1, 2, 3)) > 1).all()
