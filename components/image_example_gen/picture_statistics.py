"""Numbers that describe a picture, so that later components need not read its pixels."""

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

#: Side of the matrix of frequencies in a hash. With 8 x 8 frequencies, different sketches on a
#: white background have the same hash.
HASH_SIZE = 16


def measure_pictures(thumbnails: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
    """Measure a batch of pictures.

    Args:
        thumbnails: RGB pictures, uint8 [batch, side, side, 3].

    Returns:
        float32 [batch] each. `brightness` and `contrast`: mean and standard deviation of the luma,
        0 to 1. `sharpness`: variance of the Laplacian of the luma (Pech-Pacheco et al., "Diatom
        autofocusing in brightfield microscopy", 2000), of luma 0 to 255, divided by 1000.
        `colourfulness`: Hasler and Suesstrunk, "Measuring colourfulness in natural images", 2003.
    """
    pixels = thumbnails.astype(np.float32)
    luma = _luma(pixels)
    return {
        "brightness": luma.mean((1, 2)) / 255,
        "contrast": luma.std((1, 2)) / 255,
        "sharpness": _laplacian(luma).var((1, 2)) / 1000,
        "colourfulness": _colourfulness(*np.moveaxis(pixels, -1, 0)),
    }


def perceptual_hashes(thumbnails: npt.NDArray[np.uint8]) -> list[bytes]:
    """Return the perceptual hash of every picture; pictures that look alike differ in few bits.

    The hash is `imagehash.phash` (Zauner, "Implementation and benchmarking of perceptual image
    hash functions", 2010).

    Args:
        thumbnails: RGB pictures, uint8 [batch, side, side, 3].

    Returns:
        One hash of `HASH_SIZE` squared bits per picture.
    """
    luma = _luma(thumbnails.astype(np.float32)).astype(np.uint8)
    hashes = (imagehash.phash(Image.fromarray(grey), HASH_SIZE) for grey in luma)
    return [np.packbits(found.hash).tobytes() for found in hashes]


def _luma(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    luma: npt.NDArray[np.float32] = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return luma


def _laplacian(luma: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    inner = luma[:, 1:-1, 1:-1]
    vertical = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1]
    horizontal = luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    laplacian: npt.NDArray[np.float32] = vertical + horizontal - 4 * inner
    return laplacian


def _colourfulness(
    red: npt.NDArray[np.float32], green: npt.NDArray[np.float32], blue: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    red_green = red - green
    yellow_blue = (red + green) / 2 - blue
    spread = np.hypot(red_green.std((1, 2)), yellow_blue.std((1, 2)))
    offset = np.hypot(red_green.mean((1, 2)), yellow_blue.mean((1, 2)))
    colourfulness: npt.NDArray[np.float32] = spread + 0.3 * offset
    return colourfulness
