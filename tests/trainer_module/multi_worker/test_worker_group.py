"""Parts of the pictures, and the exchange of results."""

import numpy as np
import pytest
from worker_threads import run_workers

from trainer_module.multi_worker import worker_group
from trainer_module.multi_worker.worker_group import ALONE, WorkerGroup

pytestmark = pytest.mark.component


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_every_value_is_in_one_part_and_parts_differ_by_one_value_at_most(count):
    parts = WorkerGroup(0, count).divide(np.arange(7))
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(7))
    sizes = [len(part) for part in parts]
    assert len(sizes) == count
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.bool_])
@pytest.mark.parametrize("exchange_bytes", [1, 7, 2**20])
@pytest.mark.parametrize("rows", [[[3, 0], [5, 1, 4], [2]], [[0, 1, 2, 3, 4, 5], [], []]])
def test_every_worker_gets_the_rows_of_the_others(rows, exchange_bytes, dtype, monkeypatch):
    monkeypatch.setattr(worker_group, "EXCHANGE_BYTES", exchange_bytes)
    expected = (np.arange(6 * 5).reshape(6, 5, 1) % 7).astype(dtype)
    parts = [np.array(part, np.int64) for part in rows]

    def work(workers: WorkerGroup) -> np.ndarray:
        own = np.zeros_like(expected)
        own[parts[workers.index]] = expected[parts[workers.index]]
        workers.exchange_rows(own, parts)
        return own

    for result in run_workers(3, work):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("exchange_bytes", [3, 8, 2**20])
def test_bytes_of_any_number_are_exchanged(exchange_bytes, monkeypatch):
    monkeypatch.setattr(worker_group, "EXCHANGE_BYTES", exchange_bytes)
    contents = [b"", b"a" * 13, b"\0b\0"]
    for received in run_workers(3, lambda workers: workers.exchange_bytes(contents[workers.index])):
        assert received == contents


def test_the_chief_sends_what_it_has_and_what_others_have_is_overwritten():
    def work(workers: WorkerGroup) -> tuple[bytes, list[float]]:
        array = np.full((4, 1), float(workers.index))
        workers.send_rows_from_chief(array, np.array([1, 3]))
        return workers.send_from_chief(b"%d" % workers.index), array[:, 0].tolist()

    assert run_workers(2, work) == [(b"0", [0, 0, 0, 0]), (b"0", [1, 0, 1, 0])]


def test_a_process_that_trains_alone_exchanges_nothing():
    array = np.arange(3.0)
    ALONE.exchange_rows(array, ALONE.divide(np.arange(3)))
    assert array.tolist() == [0, 1, 2]
    assert ALONE.exchange_bytes(b"own") == [b"own"]
    assert ALONE.send_from_chief(b"own") == b"own"
