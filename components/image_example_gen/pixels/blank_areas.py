"""Finds pictures of one colour, and pictures with a constant block on one side."""

import numpy as np
import numpy.typing as npt

#: Text for a picture of one colour.
ONE_COLOUR = "one colour"

SIDES = ("bottom", "top", "right", "left")

#: Largest difference of levels, of 255, within one colour.
TOLERANCE = 2

#: Smallest share of a picture that a block has.
MIN_BLOCK = 0.2

#: Largest share of the colour of a block in the rest of the picture. Drawings and products on a
#: plain background have its colour on all sides.
MAX_ELSEWHERE = 0.03

#: Blocks of this level and above are taken for paper or an overexposed sky.
WHITE = 250


def describe_blank_areas(thumbnails: npt.NDArray[np.uint8]) -> list[str]:
    """Return where each picture is blank.

    Args:
        thumbnails: RGB pictures, uint8 [batch, side, side, 3].

    Returns:
        "" for a picture that is not blank; `ONE_COLOUR`; or text such as "bottom 40%", for a block
        of one colour that a file leaves which was cut off or filled up.
    """
    outermost = [_from_side(thumbnails, side)[:, 0] for side in SIDES]
    plain = np.any([np.ptp(line, axis=1).max(axis=1) <= 2 * TOLERANCE for line in outermost], 0)
    return [
        _describe(picture) if may_be_blank else ""
        for picture, may_be_blank in zip(thumbnails, plain, strict=True)
    ]


def _describe(picture: npt.NDArray[np.uint8]) -> str:
    levels = picture.reshape(-1, 3)
    if (levels.max(axis=0) - levels.min(axis=0)).max() <= TOLERANCE:
        return ONE_COLOUR
    for side in SIDES:
        share = _block_share(_from_side(picture[None], side)[0])
        if share:
            return f"{side} {share:.0%}"
    return ""


def _from_side(pictures: npt.NDArray[np.uint8], side: str) -> npt.NDArray[np.uint8]:
    """Return pictures whose first line is the outermost at a side."""
    turned = pictures.transpose(0, 2, 1, 3) if side in ("left", "right") else pictures
    return turned[:, ::-1] if side in ("bottom", "right") else turned


def _block_share(lines: npt.NDArray[np.uint8]) -> float:
    """Return the share of the block that begins at the first line; 0 if there is none."""
    colour = lines[0, 0].astype(np.int16)
    if colour.min() >= WHITE or not _equal(lines[: int(MIN_BLOCK * len(lines))], colour).all():
        return 0.0
    equal = _equal(lines, colour)
    count = int(np.argmin(equal.all(axis=1)))  # first line that is not of this colour
    # The line after the block is an average with its first pixels.
    if count < MIN_BLOCK * len(lines) or equal[count + 1 :].mean() > MAX_ELSEWHERE:
        return 0.0
    return count / len(lines)


def _equal(lines: npt.NDArray[np.uint8], colour: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Return which pixels have a colour."""
    equal: npt.NDArray[np.bool_] = np.abs(lines - colour).max(axis=2) <= TOLERANCE
    return equal
