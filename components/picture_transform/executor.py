"""TFX's Transform for rows that are pixels: no compression, and batches bounded in bytes.

TFX compresses what it writes with zlib's default level, in one thread, and offers no option for
it. On pixels that takes longer than decoding and resizing them, and every epoch would have to
decompress them again. It also sizes batches by the encoded bytes of the input, which do not tell
the size of the decoded pixels. `components.compat.tfx_transform` replaces both; all else is TFX's.
"""

import json
from typing import Any

from tfx.types import artifact

from components.compat.tfx_transform import (
    TransformExecutor,
    UncompressedTransformProcessor,
    replaced_processor,
)

#: Bytes of decoded pixels in a batch.
BATCH_BYTES = 32 * 2**20

#: Most examples in a batch, however small the pictures are.
MAX_BATCH_SIZE = 1000


class PictureTransformExecutor(TransformExecutor):
    """Runs TFX's Transform with our batch size and without compression."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`; `custom_config` must hold `image_size`, in pixels."""
        image_size = json.loads(exec_properties["custom_config"])["image_size"]
        size = batch_size(image_size)
        with replaced_processor(lambda: UncompressedTransformProcessor(size)):
            super().Do(input_dict, output_dict, exec_properties)


def batch_size(image_size: int) -> int:
    """Return the number of pictures that Transform decodes at a time.

    Args:
        image_size: Height and width of a decoded RGB picture in pixels.
    """
    return max(1, min(MAX_BATCH_SIZE, BATCH_BYTES // (3 * image_size**2)))
