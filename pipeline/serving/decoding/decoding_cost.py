"""What TensorFlow needs to decode a picture."""

from collections.abc import Iterable
from typing import NamedTuple

from components.image_example_gen.pixels.decoding_limits import JPEG_START, read_jpeg_scans

#: Bytes per pixel that TensorFlow takes to decode and resize a picture (measured: 3.2 to 3.7), and
#: a JPEG picture with several scans, whose coefficients are all kept (9.7).
BYTES_PER_PIXEL, BYTES_PER_PIXEL_OF_SCANS = 4, 10

#: Copies of a file in a call of the model.
FILE_COPIES = 2


class DecodingCost(NamedTuple):
    """Cost of decoding one picture or several.

    Attributes:
        num_pixels: Number of pixels.
        scanned_pixels: Pixels in all scans, which is in proportion to the time.
        memory: Bytes that decoding takes.
    """

    num_pixels: int = 0
    scanned_pixels: int = 0
    memory: int = 0

    @classmethod
    def of_picture(cls, content: bytes, num_pixels: int) -> "DecodingCost":
        """Return the cost of a picture.

        Args:
            content: JPEG or PNG.
            num_pixels: Number of its pixels.

        Raises:
            CostlyPictureError: It would cost too much to decode.
        """
        num_scans = read_jpeg_scans(content).num_scans if content.startswith(JPEG_START) else 1
        per_pixel = BYTES_PER_PIXEL if num_scans <= 1 else BYTES_PER_PIXEL_OF_SCANS
        memory = num_pixels * per_pixel + len(content) * FILE_COPIES
        return cls(num_pixels, num_pixels * max(1, num_scans), memory)

    @classmethod
    def total(cls, costs: Iterable["DecodingCost"]) -> "DecodingCost":
        """Return the cost of several pictures, which TensorFlow may decode at the same time.

        Args:
            costs: Costs of the pictures.
        """
        sums = [sum(values) for values in zip(cls(), *costs, strict=True)]
        return cls(*sums)
