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
from trainer_module.hardware import Hardware

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
    hardware: Hardware,
) -> None:
    """Run a function over a dataset on every device of this worker, and store its outputs.

    Workers do not wait for each other: each has a dataset of its own part, and gets the rows of
    the others afterwards, see `WorkerGroup.exchange_rows`.

    Args:
        arrays: One array per output of the function, [rows, ...].
        batches: Dataset of (rows, *inputs); `rows` are row numbers of the arrays, int64 [batch].
            The size of a batch is a multiple of the number of devices of this worker.
        function: Function of the inputs that returns the outputs, [batch, ...] each.
        hardware: Devices, under whose strategy the variables of the function were created.
    """
    dtypes = [tf.as_dtype(array.dtype) for array in arrays]

    def run_on_device(*inputs: tf.Tensor) -> list[tf.Tensor]:
        outputs = zip(function(*inputs), dtypes, strict=True)
        return [tf.cast(value, dtype) for value, dtype in outputs]

    @tf.function(reduce_retracing=True)
    def run(*inputs: tf.Tensor) -> Any:
        return hardware.strategy.run(run_on_device, args=inputs)

    def store(batch: Sequence[tf.Tensor]) -> None:
        rows, *inputs = batch
        parts = np.split(rows.numpy(), hardware.local_replicas)
        for array, output in zip(arrays, run(*_per_device(inputs, hardware)), strict=True):
            values = hardware.strategy.experimental_local_results(output)
            for part, value in zip(parts, values, strict=True):
                array[part] = value.numpy()

    pending: deque[Future[None]] = deque()
    with ThreadPoolExecutor(CONCURRENT_BATCHES) as pool:
        for batch in batches:
            if len(pending) == CONCURRENT_BATCHES:
                pending.popleft().result()
            pending.append(pool.submit(store, batch))
        while pending:
            pending.popleft().result()


def _per_device(inputs: Sequence[tf.Tensor], hardware: Hardware) -> Sequence[Any]:
    """Divide inputs, [batch, ...] each, between the devices of this worker."""
    devices = hardware.local_replicas
    if devices == 1:
        return inputs
    parts = [tf.split(value, devices) for value in inputs]
    divided: Sequence[Any] = hardware.strategy.experimental_distribute_values_from_function(
        lambda context: tuple(part[context.replica_id_in_sync_group % devices] for part in parts)
    )
    return divided
