"""Cheap numbers about pictures, so that TFDV sees how domains differ without their pixels."""

import imagehash
import numpy as np
from PIL import Image

#: 16 x 16 frequencies: with 8 x 8, different sketches on white have the same hash.
HASH_SIZE = 16


def measure(thumbnails: np.ndarray) -> dict[str, np.ndarray]:
    """Measure a batch of pictures.

    Args:
        thumbnails: uint8 [batch, side, side, 3], RGB.

    Returns:
        float32 [batch] each. `brightness` and `contrast`: mean and standard deviation of the luma,
        0 to 1. `sharpness`: variance of the Laplacian of the luma (Pech-Pacheco et al., "Diatom
        autofocusing in brightfield microscopy", 2000), of luma 0 to 255, divided by 1000.
        `colourfulness`: Hasler and Suesstrunk, "Measuring colourfulness in natural images", 2003.
    """
    pixels: np.ndarray = thumbnails.astype(np.float32)
    luma = _luma(pixels)
    return {
        "brightness": luma.mean((1, 2)) / 255,
        "contrast": luma.std((1, 2)) / 255,
        "sharpness": _laplacian(luma).var((1, 2)) / 1000,
        "colourfulness": _colourfulness(*np.moveaxis(pixels, -1, 0)),
    }


def look(thumbnails: np.ndarray) -> list[bytes]:
    """Perceptual hashes: pictures that look alike differ in few bits.

    The hash is `imagehash.phash` (Zauner, "Implementation and benchmarking of perceptual image
    hash functions", 2010).

    Args:
        thumbnails: uint8 [batch, side, side, 3], RGB.

    Returns:
        bytes of `HASH_SIZE` squared bits, one per picture.
    """
    luma: np.ndarray = _luma(thumbnails.astype(np.float32)).astype(np.uint8)
    hashes = (imagehash.phash(Image.fromarray(grey), HASH_SIZE) for grey in luma)
    return [np.packbits(found.hash).tobytes() for found in hashes]


def _luma(pixels: np.ndarray) -> np.ndarray:
    return pixels @ np.array([0.299, 0.587, 0.114], np.float32)


def _laplacian(luma: np.ndarray) -> np.ndarray:
    inner = luma[:, 1:-1, 1:-1]
    vertical = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1]
    horizontal = luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    return vertical + horizontal - 4 * inner


def _colourfulness(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    red_green = red - green
    yellow_blue = (red + green) / 2 - blue
    spread = np.hypot(red_green.std((1, 2)), yellow_blue.std((1, 2)))
    offset = np.hypot(red_green.mean((1, 2)), yellow_blue.mean((1, 2)))
    return spread + 0.3 * offset
