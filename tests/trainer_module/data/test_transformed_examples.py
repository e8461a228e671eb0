from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trainer_fixtures import SIZE, Row, rows, write_split
from worker_threads import run_workers

from trainer_module.contract.errors import DataError, InputError
from trainer_module.data.full_batches import Dataset
from trainer_module.data.picture_batches import picture_batches
from trainer_module.data.transformed_examples import _own_parts, read_pictures
from trainer_module.multi_worker.worker_group import WorkerGroup
from trainer_module.training_options import MAX_SEED

pytestmark = pytest.mark.component


@pytest.fixture
def split() -> list[Row]:
    return rows({"day": 0, "night": -20}, per_class=2, seed=1)


def test_pictures_have_one_order_whatever_the_order_of_records(tmp_path, split):
    forward = read_pictures([write_split(tmp_path / "a", split)], SIZE)
    backward = read_pictures([write_split(tmp_path / "b", split[::-1])], SIZE)
    assert forward.image_ids.equals(backward.image_ids)
    np.testing.assert_array_equal(forward.labels, backward.labels)
    columns_of = {row.image_id: (row.label, row.domain) for row in split}
    found = zip(forward.image_ids.tolist(), forward.labels, forward.domains, strict=True)
    assert {name.decode(): columns for name, *columns in found} == {
        name: list(columns) for name, columns in columns_of.items()
    }


def test_order_and_draws_are_those_of_the_pixels_wherever_the_pictures_lie(tmp_path, split):
    moved = [
        replace(row, image_id=f"/other/{number:02}.png")
        for number, row in zip(range(len(split), 0, -1), split, strict=True)
    ]
    here, there = (
        list(picture_batches(read_pictures([write_split(folder, pictures)], SIZE), 12, 1, 3))
        for folder, pictures in ((tmp_path / "a", split), (tmp_path / "b", moved))
    )
    for one, other in zip(here[0], there[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_pictures_with_equal_pixels_are_ordered_by_image_id(tmp_path, split):
    equal = [replace(split[0], image_id=name) for name in ("b.png", "a.png")]
    assert read_pictures([write_split(tmp_path / "a", equal)], SIZE).image_ids.tolist() == [
        b"a.png",
        b"b.png",
    ]


def test_several_shards_have_one_index(tmp_path, split):
    whole = read_pictures([write_split(tmp_path / "whole", split)], SIZE)
    parts = [split[:1], [], split[1:8], split[8:]]
    patterns = [write_split(tmp_path / f"part-{n}", part) for n, part in enumerate(parts)]
    pictures = read_pictures(patterns, SIZE)
    assert pictures.image_ids.equals(whole.image_ids)
    assert pictures.labels.tolist() == whole.labels.tolist()
    assert pictures.domains.tolist() == whole.domains.tolist()
    (rows, _, pixels), *_ = picture_batches(pictures, len(split)).as_numpy_iterator()
    pixels_of = {row.image_id.encode(): row.pixels for row in split}
    for row, picture in zip(rows, pixels, strict=True):
        np.testing.assert_array_equal(picture, pixels_of[pictures.image_ids[row].as_py()])


def test_equal_names_are_one_object(tmp_path, split):
    pictures = read_pictures([write_split(tmp_path / "a", split)], SIZE)
    assert len({id(label) for label in pictures.labels}) == 3
    assert len({id(domain) for domain in pictures.domains}) == 2


def test_an_empty_split_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no pictures in"):
        read_pictures([write_split(tmp_path / "a", [])], SIZE)


def test_every_picture_has_its_row_whatever_the_order_of_records(tmp_path, split):
    pictures = read_pictures([write_split(tmp_path / "a", split[::-1])], SIZE)
    pixels_of = {row.image_id: row.pixels for row in split}
    seen = set()
    for numbers, _, pixels in picture_batches(pictures, batch_size=5).as_numpy_iterator():
        assert pixels.shape == (5, SIZE, SIZE, 3)
        for number, picture in zip(numbers, pixels, strict=True):
            image_id = pictures.image_ids[number].as_py().decode()
            np.testing.assert_array_equal(picture, pixels_of[image_id])
            seen.add(image_id)
    assert seen == set(pixels_of)


def test_draws_depend_on_pixels_view_and_seed_but_not_on_the_order(tmp_path, split):
    forward = read_pictures([write_split(tmp_path / "a", split)], SIZE)
    backward = read_pictures([write_split(tmp_path / "b", split[::-1])], SIZE)

    def draws(pictures, view, seed):
        batches = picture_batches(pictures, 4, view, seed).as_numpy_iterator()
        return {
            row: tuple(draw)
            for batch_rows, batch_draws, _ in batches
            for row, draw in zip(batch_rows, batch_draws, strict=True)
        }

    first = draws(forward, view=1, seed=3)
    assert first == draws(backward, view=1, seed=3)
    assert len(set(first.values())) == len(split)
    others = [(2, 3), (1, 4), (1, 20261126), (1, MAX_SEED)]
    for other in (draws(forward, view, seed) for view, seed in others):
        assert not set(first.values()) & set(other.values())


def test_chosen_pictures_have_their_output_rows(tmp_path, split):
    pictures = read_pictures([write_split(tmp_path / "a", split[::-1])], SIZE)
    output_rows = np.full(len(pictures), -1)
    output_rows[[7, 3]] = [0, 1]
    pixels_of = {row.image_id: row.pixels for row in split}
    batches = picture_batches(pictures, 2, output_rows=output_rows)
    [(numbers, _, pixels)] = batches.as_numpy_iterator()
    by_output_row = dict(zip(numbers, pixels, strict=True))
    for row, output_row in ((7, 0), (3, 1)):
        expected = pixels_of[pictures.image_ids[row].as_py().decode()]
        np.testing.assert_array_equal(by_output_row[output_row], expected)


@pytest.mark.parametrize("name", ["runs [2024]", "a*b", "what?", "%s #{0}$"])
def test_a_split_in_a_folder_with_a_strange_name(tmp_path, split, name):
    expected = read_pictures([write_split(tmp_path / "plain", split)], SIZE)
    write_split(tmp_path / "a-b", split)  # matches a*b
    pictures = read_pictures([write_split(tmp_path / name, split)], SIZE)
    assert pictures.files == [str(tmp_path / name / "part-00000")]
    assert pictures.digests.tolist() == expected.digests.tolist()


@pytest.mark.parametrize("count", [2, 3, 40])
def test_workers_read_a_part_each_and_get_the_same_index(tmp_path, split, count):
    patterns = [
        write_split(tmp_path / str(number), part)
        for number, part in enumerate((split[:2], split[2:], []))
    ]
    expected = vars(read_pictures(patterns, SIZE))
    parts = [_own_parts(expected["files"], WorkerGroup(index, count)) for index in range(count)]
    assert sum(part.count for own in parts for part in own) == len(split)
    assert max(sum(part.count for part in own) for own in parts) <= -(-len(split) // count) + 1
    for pictures in run_workers(count, lambda workers: read_pictures(patterns, SIZE, workers)):
        for name, value in vars(pictures).items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_an_empty_split_is_an_error_at_every_worker(tmp_path):
    pattern = write_split(tmp_path / "a", [])

    def message(workers: WorkerGroup) -> str:
        with pytest.raises(DataError) as caught:
            read_pictures([pattern], SIZE, workers)
        return str(caught.value)

    assert len(set(run_workers(2, message))) == 1


def test_records_that_others_read_are_not_touched(tmp_path, split):
    patterns = [
        write_split(tmp_path / str(number), part)
        for number, part in enumerate((split[:5], split[5:]))
    ]
    pictures = read_pictures(patterns, SIZE)
    whole = dict(pixels_of_rows(picture_batches(pictures, 4)))
    Path(pictures.files[0]).write_bytes(b"damaged")
    own = np.arange(5, len(split))
    read = dict(pixels_of_rows(picture_batches(pictures, 4, records=own)))
    assert sorted(read) == sorted(pictures.record_rows[own].tolist())
    for row, pixels in read.items():
        np.testing.assert_array_equal(pixels, whole[row])


def pixels_of_rows(batches: Dataset) -> Iterator[tuple[int, np.ndarray]]:
    for rows_of_batch, _, pixels in batches.as_numpy_iterator():
        yield from zip(rows_of_batch.tolist(), pixels, strict=True)
