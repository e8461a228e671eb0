"""Workers of one training as threads of this process, for what needs no devices."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from trainer_module.multi_worker.worker_group import Gather, WorkerGroup

Result = TypeVar("Result")


def run_workers(count: int, work: Callable[[WorkerGroup], Result]) -> list[Result]:
    """Return what each worker returns."""
    barrier = threading.Barrier(count, timeout=60)
    sent = [np.zeros(0, np.int64)] * count

    def gather_of(index: int) -> Gather:
        def gather(words: np.ndarray) -> np.ndarray:
            sent[index] = words
            barrier.wait()
            assert len({len(each) for each in sent}) == 1
            gathered = np.concatenate(sent)
            barrier.wait()
            return gathered

        return gather

    groups = [WorkerGroup(index, count, gather_of(index)) for index in range(count)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, groups))
