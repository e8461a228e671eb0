"""Cheap numbers about a picture, so that TFDV sees how domains differ without its pixels."""

import numpy as np
from PIL import Image

#: Pictures are measured at one size, so that the numbers compare across resolutions.
MEASURED_SIZE = (64, 64)


def measure(image: Image.Image) -> dict[str, float]:
    """Measure a picture.

    Args:
        image: mode RGB.

    Returns:
        `brightness` and `contrast`: mean and standard deviation of the luma, 0 to 1.
        `sharpness`: variance of the Laplacian of the luma (Pech-Pacheco et al., 2000), in
        units of 1/255 squared per 1000.
        `colourfulness`: Hasler and Suesstrunk, "Measuring colourfulness in natural images", 2003.
    """
    pixels = np.asarray(image.resize(MEASURED_SIZE, Image.Resampling.BOX), np.float32)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return {
        "brightness": float(luma.mean() / 255),
        "contrast": float(luma.std() / 255),
        "sharpness": float(_laplacian(luma).var() / 1000),
        "colourfulness": _colourfulness(red, green, blue),
    }


def _laplacian(luma: np.ndarray) -> np.ndarray:
    inner = luma[1:-1, 1:-1]
    neighbours = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return neighbours - 4 * inner


def _colourfulness(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> float:
    red_green = red - green
    yellow_blue = (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    offset = np.hypot(red_green.mean(), yellow_blue.mean())
    return float(spread + 0.3 * offset)
