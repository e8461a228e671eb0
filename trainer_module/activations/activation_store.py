"""Storage for activations: in memory up to a budget, then on disk."""

import os
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.data.full_batches import Dataset

#: Activations are stored in half precision: twice the pictures in the same memory, without a
#: measurable effect on the training.
DTYPE = "float16"

#: Batches that are computed at the same time: while one waits for memory, another computes. On 2
#: cores that is 10 to 20 % faster.
CONCURRENT_BATCHES = 3


class ActivationStore:
    """Arrays for activations, within a budget of memory.

    Arrays beyond the budget are memory-mapped files without a name: no file is left behind, even
    when the process is killed. An array that is no longer used gives its memory back.
    """

    def __init__(self, folder: str, budget: int) -> None:
        """Set the limits.

        Args:
            folder: Folder for the arrays that do not fit into memory.
            budget: Memory to use, in bytes, see `activation_budget`.
        """
        self._folder = folder
        self._left = budget

    def reserve(self, rows: int, shape: Sequence[int]) -> npt.NDArray[np.float16]:
        """Return an uninitialised array of `DTYPE`, [rows, *shape].

        Raises:
            OSError: The disk is full.
        """
        whole = (rows, *shape)
        size = int(np.prod(whole)) * np.dtype(DTYPE).itemsize
        if size <= self._left:
            self._left -= size
            array: npt.NDArray[np.float16] = np.empty(whole, DTYPE)
            weakref.finalize(array, self._give_back, size)
            return array
        with tempfile.TemporaryFile(dir=self._folder) as file:
            # Allocate the blocks, so that a full disk is an error here and not at the first write.
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
            return np.memmap(file, dtype=DTYPE, mode="w+", shape=whole)

    def _give_back(self, size: int) -> None:
        self._left += size

    @property
    def space(self) -> int:
        """Bytes that may be used: what is left of the memory, and half of the free disk."""
        return self._left + shutil.disk_usage(self._folder).free // 2


def store_outputs(
    arrays: Sequence[npt.NDArray[np.generic]],
    batches: Dataset,
    function: Callable[..., Sequence[tf.Tensor]],
    strategy: tf.distribute.Strategy,
) -> None:
    """Run a function over a dataset on every device, and store its outputs in arrays.

    With several workers, every worker stores all rows.

    Args:
        arrays: One array per output of the function, [rows, ...].
        batches: Dataset of (rows, *inputs); `rows` are row numbers of the arrays, int64 [batch].
        function: Function of the inputs that returns the outputs, [batch, ...] each.
        strategy: Strategy under which the variables of the function were created.
    """
    dtypes = [tf.as_dtype(array.dtype) for array in arrays]

    def run_on_device(rows: tf.Tensor, *inputs: tf.Tensor) -> list[tf.Tensor]:
        outputs = zip(function(*inputs), dtypes, strict=True)
        return [rows, *(tf.cast(value, dtype) for value, dtype in outputs)]

    @tf.function(reduce_retracing=True)
    def run(*batch: tf.Tensor) -> Any:
        outputs = strategy.run(run_on_device, args=batch)
        if strategy.num_replicas_in_sync == 1:
            return outputs
        return [strategy.gather(output, axis=0) for output in outputs]

    def store(batch: Sequence[tf.Tensor]) -> None:
        rows, *outputs = run(*batch)
        for array, output in zip(arrays, outputs, strict=True):
            array[rows.numpy()] = output.numpy()

    # Replicas wait for each other: with several, the order of the batches must be the same.
    concurrent = CONCURRENT_BATCHES if strategy.num_replicas_in_sync == 1 else 1
    pending: deque[Future[None]] = deque()
    with ThreadPoolExecutor(concurrent) as pool:
        for batch in strategy.experimental_distribute_dataset(batches):
            if len(pending) == concurrent:
                pending.popleft().result()
            pending.append(pool.submit(store, batch))
        while pending:
            pending.popleft().result()
