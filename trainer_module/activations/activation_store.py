"""What a network makes of pictures, computed once: in memory up to a budget, then on disk."""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

#: Features are kept in half precision: twice the pictures for the same memory, and no difference
#: that training could notice.
DTYPE = "float16"

#: Batches in the network at the same time: while one waits for memory, another computes. On 2 cores
#: that is worth 10 to 20 %.
AT_ONCE = 3

#: Share of the machine's free memory that `auto` takes.
AUTO_SHARE = 0.25


class FeatureStore:
    """Room for arrays of features.

    Arrays on disk are memory-mapped files without a name: nothing is left behind, even when the
    process is killed.
    """

    def __init__(self, folder: str, budget: int | None = None) -> None:
        """Set the limits.

        Args:
            folder: for what does not fit, on a disk with room for it.
            budget: bytes of memory; None for a quarter of what is free.
        """
        self._folder = folder
        self._left = int(_free_memory() * AUTO_SHARE) if budget is None else budget

    def reserve(self, rows: int, shape: Sequence[int]) -> np.ndarray:
        """An array of `DTYPE`, [rows, *shape].

        Raises:
            OSError: the disk is full.
        """
        whole = (rows, *shape)
        size = int(np.prod(whole)) * np.dtype(DTYPE).itemsize
        if size <= self._left:
            self._left -= size
            return np.empty(whole, DTYPE)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))  # a full disk shows here, not later
            return np.memmap(file, dtype=DTYPE, mode="w+", shape=whole)


def fill(
    arrays: Sequence[np.ndarray],
    batches: Any,
    function: Callable[..., Sequence[tf.Tensor]],
    strategy: tf.distribute.Strategy,
) -> None:
    """Run a function over a data set on every device, and keep what it gives.

    With several workers every one ends up with all rows.

    Args:
        arrays: one per output of the function, [rows, ...].
        batches: data set of (rows, *inputs); `rows` are those of the arrays, int64 [batch].
        function: inputs -> outputs, [batch, ...] each.
        strategy: under which the function's variables were made.
    """
    kinds = [tf.as_dtype(array.dtype) for array in arrays]

    def on_device(rows: tf.Tensor, *inputs: tf.Tensor) -> list[tf.Tensor]:
        outputs = function(*inputs)
        return [rows, *(tf.cast(value, kind) for value, kind in zip(outputs, kinds, strict=True))]

    @tf.function(reduce_retracing=True)
    def step(*batch: tf.Tensor) -> list[tf.Tensor]:
        outputs = strategy.run(on_device, args=batch)
        if strategy.num_replicas_in_sync == 1:
            return outputs
        return [strategy.gather(output, axis=0) for output in outputs]

    def keep(batch: Sequence[tf.Tensor]) -> None:
        rows, *outputs = step(*batch)
        for array, output in zip(arrays, outputs, strict=True):
            array[rows.numpy()] = output.numpy()

    # Replicas wait for each other: with several, the order of the batches must be the same.
    at_once = AT_ONCE if strategy.num_replicas_in_sync == 1 else 1
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        for batch in strategy.experimental_distribute_dataset(batches):
            if len(waiting) == at_once:
                waiting.popleft().result()
            waiting.append(pool.submit(keep, batch))
        while waiting:
            waiting.popleft().result()


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
