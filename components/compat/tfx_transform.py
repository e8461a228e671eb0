"""The parts of TFX's Transform that have no documented way to replace them.

`tests/components/compat/test_tfx_transform.py` fails when a new TFX moves any of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import apache_beam as beam
from tfx.components.transform import executor, labels

#: Executor of TFX's Transform. The guide of custom components names no executor to inherit from.
TransformExecutor = executor.Executor


class UncompressedTransformProcessor(executor.TransformProcessor):  # type: ignore[misc]  # TFX has no types
    """Transform's Beam job with a fixed batch size and with uncompressed TFRecords as output."""

    def __init__(self, batch_size: int) -> None:
        """Set up a processor.

        Args:
            batch_size: Number of examples in a batch.
        """
        super().__init__()
        self._batch_size = batch_size

    # TFX sizes batches by the encoded bytes of the examples, and has no option for it.
    def _GetDesiredBatchSize(self, data_format: int, schema: Any) -> int:  # noqa: N802
        return self._batch_size

    # TFX compresses with zlib's default level, in one thread, and has no option for it.
    @staticmethod
    @beam.ptransform_fn  # type: ignore[untyped-decorator]  # Beam has no types
    def _EncodeAndWrite(  # noqa: N802
        pcoll: beam.PCollection, schema: Any, file_format: str, output_path: str
    ) -> beam.pvalue.PDone:
        if file_format != labels.FORMAT_TFRECORD:
            raise ValueError(f"Pictures are written as TFRecords. Received: {file_format}")
        # The base class is taken from this one: `replaced_processor` hides its name.
        to_examples = UncompressedTransformProcessor._RecordBatchToExamplesFn(schema)
        return (
            pcoll
            | "EncodeAndSerialize" >> beam.ParDo(to_examples)
            | "ExtractExamples" >> beam.Values()
            | "WriteToTFRecord" >> beam.io.WriteToTFRecord(output_path)
        )


@contextmanager
def replaced_processor(create: Callable[[], executor.TransformProcessor]) -> Iterator[None]:
    """Let TFX's executor use another processor while the block runs.

    Args:
        create: Function that is called instead of the class `TransformProcessor`.
    """
    # The executor creates its processor by the name in its module; there is no argument for it.
    with mock.patch.object(executor, "TransformProcessor", create):
        yield
