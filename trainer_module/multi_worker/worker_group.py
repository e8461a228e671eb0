"""The workers of one training: their parts of the pictures, and the exchange of their results."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

#: Bytes that every worker sends at a time.
EXCHANGE_BYTES = 16 * 2**20

#: Bytes of the numbers in which everything is sent.
WORD = np.dtype(np.int64).itemsize

#: Function of numbers, int64 [words], that returns those of all workers, int64 [workers * words].
#: Every worker calls it as often as the others, with as many numbers.
Gather = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]


class WorkerGroup:
    """The workers that share one training, seen from one of them.

    Every worker reads and computes its own part of the pictures. What it has not computed itself,
    it gets from the others. All workers call the methods that exchange something in the same order.

    Attributes:
        index: Number of this worker; the chief is 0.
        count: Number of workers; 1 if this process trains alone.
    """

    def __init__(self, index: int = 0, count: int = 1, gather: Gather | None = None) -> None:
        """Describe the group.

        Args:
            index: See the attribute.
            count: See the attribute.
            gather: Function through which the workers exchange numbers; None if there is one.
        """
        self.index, self.count = index, count
        self._gather = gather or (lambda words: words)

    def divide(self, values: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
        """Divide values into one part per worker, in their order; some may be empty.

        Args:
            values: Rows or records, int64 [values], the same ones at all workers.
        """
        return np.array_split(values, self.count)

    def exchange_rows(
        self, array: npt.NDArray[np.generic], parts: Sequence[npt.NDArray[np.int64]]
    ) -> None:
        """Set the rows of an array that other workers have computed.

        Args:
            array: Array whose rows of the own part are set, [rows, ...].
            parts: Rows that each worker has computed, int64, the same lists at all workers.
        """
        if self.count == 1:
            return
        row_bytes = array[:1].nbytes
        size = max(1, EXCHANGE_BYTES // max(row_bytes, 1))
        for first in range(0, max(map(len, parts)), size):
            chunks = [part[first : first + size] for part in parts]
            longest = max(map(len, chunks)) * row_bytes
            sent = self._exchange(array[chunks[self.index]].tobytes(), longest)
            for worker, rows in enumerate(chunks):
                if worker != self.index and len(rows):
                    content = sent[worker, : len(rows) * row_bytes].tobytes()
                    array[rows] = np.frombuffer(content, array.dtype).reshape(
                        len(rows), *array.shape[1:]
                    )

    def send_rows_from_chief(
        self, array: npt.NDArray[np.generic], rows: npt.NDArray[np.int64]
    ) -> None:
        """Set rows of an array at all workers to those of the chief.

        Args:
            array: Array, [rows, ...].
            rows: Rows to send, int64, the same ones at all workers.
        """
        self.exchange_rows(array, [rows, *[rows[:0]] * (self.count - 1)])

    def send_from_chief(self, content: bytes) -> bytes:
        """Return what the chief has called this method with.

        Args:
            content: Bytes of this worker; those of the chief count.
        """
        return self.exchange_bytes(content if self.index == 0 else b"")[0]

    def exchange_bytes(self, content: bytes) -> list[bytes]:
        """Return what every worker has called this method with.

        Args:
            content: Bytes of this worker; their number may differ from that of the others.
        """
        if self.count == 1:
            return [content]
        sizes = self._gather(np.array([len(content)], np.int64))
        received = [bytearray() for _ in range(self.count)]
        for first in range(0, int(sizes.max()), EXCHANGE_BYTES):
            last = min(first + EXCHANGE_BYTES, int(sizes.max()))
            sent = self._exchange(content[first:last], last - first)
            for row, worker_content in zip(sent, received, strict=True):
                worker_content += row.tobytes()
        return [bytes(each[:size]) for each, size in zip(received, sizes, strict=True)]

    def _exchange(self, content: bytes, size: int) -> npt.NDArray[np.uint8]:
        """Return the bytes of all workers, uint8 [workers, size], filled up with zeros."""
        padded = content.ljust(-(-size // WORD) * WORD, b"\0")
        words = self._gather(np.frombuffer(padded, np.int64))
        return words.view(np.uint8).reshape(self.count, -1)[:, :size]


#: The only worker of a training.
ALONE = WorkerGroup()


def gather_through(strategy: tf.distribute.Strategy, workers: int) -> Gather:
    """Return a function through which the workers of a strategy exchange numbers.

    Args:
        strategy: A `MultiWorkerMirroredStrategy`.
        workers: Number of its workers, each of which has as many devices.
    """
    devices = strategy.num_replicas_in_sync // workers

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def gather(words: tf.Tensor) -> Any:
        def gather_on_device() -> tf.Tensor:
            # Each device of a worker sends its share of the numbers.
            replica = tf.distribute.get_replica_context()
            shares = tf.reshape(words, [devices, -1])
            return replica.all_gather(shares[replica.replica_id_in_sync_group % devices], axis=0)

        return strategy.experimental_local_results(strategy.run(gather_on_device))[0]

    def gather_words(words: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        # As many for every device; what fills up the numbers of a worker is removed again.
        filled = np.pad(words, (0, -len(words) % devices))
        gathered: npt.NDArray[np.int64] = gather(filled).numpy().reshape(workers, -1)
        return np.ascontiguousarray(gathered[:, : len(words)]).reshape(-1)

    return gather_words
