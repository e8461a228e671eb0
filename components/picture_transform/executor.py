"""TFX's Transform for rows that are pixels: no compression, and batches bounded in bytes.

TFX compresses what it writes with zlib's default level, in one thread, and offers no option for
it. On pixels that takes longer than decoding and resizing them, and every epoch would have to
undo it. It also sizes batches by the encoded bytes, which say nothing of the pixels that come out.
Both are fixed by the two methods below; all else is TFX's.
"""

import json
from typing import Any
from unittest import mock

import apache_beam as beam
from tfx.components.transform import executor, labels
from tfx.types import artifact

#: Bytes of pixels in a batch.
BATCH_BYTES = 32 * 2**20


class PictureTransformExecutor(executor.Executor):
    """Runs TFX's Transform with our processor."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`; `custom_config` must hold `image_size`, in pixels."""
        image_size = json.loads(exec_properties["custom_config"])["image_size"]

        def processor() -> PictureTransformProcessor:
            return PictureTransformProcessor(image_size)

        # TFX has no other way to choose the processor.
        with mock.patch.object(executor, "TransformProcessor", processor):
            super().Do(input_dict, output_dict, exec_properties)


class PictureTransformProcessor(executor.TransformProcessor):
    """TFX's processor with another batch size and another writer."""

    def __init__(self, image_size: int) -> None:
        super().__init__()
        self._image_size = image_size

    def _GetDesiredBatchSize(self, data_format: int, schema: Any) -> int:  # noqa: N802
        return max(1, min(1000, BATCH_BYTES // (3 * self._image_size**2)))

    @staticmethod
    @beam.ptransform_fn
    def _EncodeAndWrite(  # noqa: N802
        pcoll: beam.PCollection, schema: Any, file_format: str, output_path: str
    ) -> beam.pvalue.PDone:
        if file_format != labels.FORMAT_TFRECORD:
            raise ValueError(f"pictures are written as TFRecords. Received: {file_format}")
        to_examples = PictureTransformProcessor._RecordBatchToExamplesFn(schema)
        return (
            pcoll
            | "EncodeAndSerialize" >> beam.ParDo(to_examples)
            | "ExtractExamples" >> beam.Values()
            | "WriteToTFRecord" >> beam.io.WriteToTFRecord(output_path)
        )
