"""Finds JPEG files whose picture is incomplete, which decoders fill with grey without an error.

libjpeg only counts warnings when the coded data end early, and neither Pillow nor TensorFlow tells
how many there were. So the markers of the file are checked here (ITU-T T.81, annex B).
"""

import hashlib
import io
import itertools
import math
import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from components.image_example_gen.pixels.decoding_limits import read_jpeg_scans

#: Markers, without their first byte 0xFF.
RESTARTS = bytes(range(0xD0, 0xD8))
START, END, SCAN, HUFFMAN, LINES, RESTART_INTERVAL = 0xD8, 0xD9, 0xDA, 0xC4, 0xDC, 0xDD
FRAMES = frozenset(range(0xC0, 0xD0)) - {HUFFMAN, 0xC8, 0xCC}
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
#: Segments that may stand between two scans: tables, comments, application data.
BETWEEN_SCANS = frozenset({HUFFMAN, 0xDB, 0xCC, LINES, RESTART_INTERVAL, SCAN, END, 0xFE}) | {
    *range(0xE0, 0xF0)
}

#: End of the coded data of a scan: a marker. In coded data, 0x00 follows every byte 0xFF.
SCAN_END = re.compile(rb"\xff[^\x00\xff]")
SCAN_END_AFTER_RESTARTS = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
RESTART = re.compile(rb"\xff([\xd0-\xd7])")

#: A marker: any number of bytes 0xFF may be before it.
MARKER = re.compile(rb"\xff[^\xff]")

#: Zeros that no coded picture has, unless the shortest codes mean "as before" and "nothing more".
ZEROS = bytes(256)

#: Fewest blocks of one colour that so many zeros stand for: no code has more than 16 bits.
MIN_BLANK_BLOCKS = len(ZEROS) * 8 // 16

#: Bytes that decode to a pattern, and how many bytes at the end of a scan they replace.
PATTERN = (bytes(range(37, 251, 7)) + bytes(range(250, 30, -11))) * 5
REPLACED = 64

#: Most pixels in all scans that are decoded to find out whether zeros are blank areas, in about 10
#: seconds. The zeros of further scans are taken for blank areas.
MAX_DECODED = 5_000_000_000

#: Level that libjpeg fills missing blocks with, the rounding of colours, the side of a block.
FILL, TOLERANCE, BLOCK = 128, 2, 8


@dataclass
class _Header:
    """What the segments so far say.

    Attributes:
        frame: Marker of the frame; 0 before it.
        size: Width and height of the picture.
        sampling: Id of a component -> its horizontal and vertical sampling factor.
        first_symbols: Class (0 DC, 1 AC) and number of a Huffman table -> symbol of the code 0...0.
        interval: Number of blocks between restart markers; 0 if there are none.
        scanned: Ids of the components whose scans have been seen.
        scanned_pixels: Pixels in all scans of the picture.
        num_decoded: Pixels in all scans that have been decoded.
        num_blank_blocks: Result of `_num_blank_blocks`; None if it is not known yet.
        colours: Result of `_colours`; None if it is not known yet.
    """

    frame: int = 0
    size: tuple[int, int] = (0, 0)
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    first_symbols: dict[tuple[int, int], int] = field(default_factory=dict)
    interval: int = 0
    scanned: set[int] = field(default_factory=set)
    scanned_pixels: int = 0
    num_decoded: int = 0
    num_blank_blocks: int | None = None
    colours: tuple[bytes, bool] | None = None


def check_jpeg(content: bytes) -> int:
    """Check that the markers of a file belong to a complete picture.

    Bytes after the picture, such as a second picture or padding, are allowed.

    Args:
        content: Bytes of a file that begins with a JPEG picture.

    Returns:
        Position of the end of the last scan's coded data.

    Raises:
        ValueError: The picture is incomplete; the message says why.
    """
    header, position, scan_end = _Header(), 2, 0
    header.scanned_pixels = read_jpeg_scans(content).scanned_pixels
    while True:
        found = MARKER.search(content, position)
        if found is None:
            raise ValueError("the file ends before the picture")
        position, marker = found.start(), content[found.start() + 1]
        if marker == END and scan_end:
            return scan_end
        if scan_end and marker not in BETWEEN_SCANS:
            raise ValueError("the coded data are interrupted")
        position += 2
        if marker in (0, 1, START) or marker in RESTARTS:
            continue
        length = int.from_bytes(content[position : position + 2], "big")
        segment = content[position + 2 : position + length]
        if length < 2 or len(segment) != length - 2:
            raise ValueError("the file ends before the picture")
        position += length
        _note(header, marker, segment)
        if marker == SCAN:
            scan_end = _check_scan(header, content, segment, position)
            position = scan_end


def check_tail(content: bytes, scan_end: int, pixels: npt.NDArray[np.uint8] | Image.Image) -> None:
    """Check that a picture whose last block is grey is not filled up.

    Args:
        content: Bytes of the file.
        scan_end: Result of `check_jpeg`.
        pixels: Decoded picture, [height, width, channels], not turned.

    Raises:
        ValueError: The picture is incomplete.
    """
    if isinstance(pixels, Image.Image):
        width, height = pixels.size
        pixels = pixels.crop((max(0, width - BLOCK), max(0, height - BLOCK), width, height))
    values = np.asarray(pixels)
    height, width = values.shape[:2]
    corner = values[-((height - 1) % BLOCK + 1) :, -((width - 1) % BLOCK + 1) :].astype(int)
    if np.abs(corner - FILL).max() <= TOLERANCE and _ends_early(
        content, scan_end, _colours(content)
    ):
        raise ValueError("the coded data end before the picture")


def _note(header: _Header, marker: int, segment: bytes) -> None:
    """Keep what a segment says about the scans after it."""
    if marker in FRAMES:
        header.frame = marker
        header.size = (
            int.from_bytes(segment[3:5], "big"),
            int.from_bytes(segment[1:3], "big"),
        )
        components = [segment[at : at + 3] for at in range(6, 6 + 3 * segment[5], 3)]
        header.sampling = {one[0]: (one[1] >> 4, one[1] & 15) for one in components}
    elif marker == RESTART_INTERVAL:
        header.interval = int.from_bytes(segment[:2], "big")
    elif marker == HUFFMAN:
        while len(segment) > 17:
            header.first_symbols[segment[0] >> 4, segment[0] & 15] = segment[17]
            segment = segment[17 + sum(segment[1:17]) :]


def _check_scan(header: _Header, content: bytes, segment: bytes, start: int) -> int:
    """Check the coded data of one scan, and return the position of their end."""
    components = [(segment[at], segment[at + 1]) for at in range(1, 1 + 2 * segment[0], 2)]
    found = (SCAN_END_AFTER_RESTARTS if header.interval else SCAN_END).search(content, start)
    if found is None:
        raise ValueError("the file ends before the picture")
    end = found.start()
    header.scanned |= {component for component, _ in components}
    complete = header.frame not in PROGRESSIVE and header.scanned >= header.sampling.keys()
    if complete and content[end + 1] not in (END, LINES):
        raise ValueError("the coded data are interrupted")
    if header.interval:
        _check_restarts(header, len(components), content, start, end)
    zeros = content.find(ZEROS, start, end)
    if zeros >= 0 and not _are_blank(header, components, segment[-3:], content, end):
        raise ValueError(f"the coded data are overwritten with zeros from byte {zeros}")
    return end


def _check_restarts(
    header: _Header, num_components: int, content: bytes, start: int, end: int
) -> None:
    """Check that the restart markers are numbered 0 to 7 in turn, and that none is missing."""
    num_blocks = math.prod(-(-side // BLOCK) for side in header.size)
    found = itertools.islice(RESTART.finditer(content, start, end), num_blocks + 1)
    restarts = [match[1] for match in found]
    expected = (RESTARTS * (len(restarts) // len(RESTARTS) + 1))[: len(restarts)]
    missing = 0
    if num_components == len(header.sampling) > 1:  # else a scan has another number of blocks
        columns, rows = (
            -(-side // (BLOCK * max(factors)))
            for side, factors in zip(
                header.size, zip(*header.sampling.values(), strict=True), strict=True
            )
        )
        missing = (columns * rows - 1) // header.interval - len(restarts)
    if b"".join(restarts) != expected or missing > 0:
        raise ValueError("the coded data are interrupted: restart markers are missing")


def _are_blank(
    header: _Header, components: list[tuple[int, int]], spectrum: bytes, content: bytes, end: int
) -> bool:
    """Return whether zeros in a scan are the codes of an area of one colour."""
    first, _, bits = spectrum
    header.num_decoded += 2 * header.scanned_pixels
    if header.num_decoded > MAX_DECODED:
        return True
    if header.frame in PROGRESSIVE and bits >> 4:  # they may be bits that refine coefficients
        if header.num_blank_blocks is None:
            header.num_blank_blocks = _num_blank_blocks(_decode(content))
        return header.num_blank_blocks >= MIN_BLANK_BLOCKS
    symbols = header.first_symbols
    no_change = all(symbols.get((0, tables >> 4)) == 0 for _, tables in components)
    # The symbols of AC codes that end a block, or in progressive files a number of blocks.
    no_more = all(
        (symbol := symbols.get((1, tables & 15), -1)) & 15 == 0 and symbol >> 4 < 15
        for _, tables in components
    )
    if header.frame in PROGRESSIVE:
        possible = no_more if first else no_change
    else:
        possible = no_change and no_more
    if not possible:
        return False
    if header.colours is None:
        header.colours = _colours(content)
    return not _ends_early(content, end, header.colours) and not _ends_late(
        content, end, header.colours
    )


def _ends_early(content: bytes, end: int, colours: tuple[bytes, bool]) -> bool:
    """Return whether the decoder uses bytes that are put after the data of a scan."""
    return colours != _colours(content[:end] + PATTERN + content[end:])


def _ends_late(content: bytes, end: int, colours: tuple[bytes, bool]) -> bool:
    """Return whether the decoder ignores the last bytes of a scan, not in one colour."""
    replaced = content[: end - REPLACED] + PATTERN + content[end:]
    return not colours[1] and colours == _colours(replaced)


def _colours(content: bytes) -> tuple[bytes, bool]:
    """Return a digest of the decoded pixels, and whether all have one colour."""
    pixels = _decode(content)
    return hashlib.blake2b(pixels.tobytes()).digest(), pixels.getcolors(1) is not None


def _num_blank_blocks(image: Image.Image) -> int:
    """Return the number of blocks whose pixels are all equal."""
    columns, rows = image.width // BLOCK, image.height // BLOCK
    pixels = np.asarray(image)[: rows * BLOCK, : columns * BLOCK]
    blocks = pixels.reshape(rows, BLOCK, columns, BLOCK, 3)
    return int((np.ptp(blocks, axis=(1, 3)) == 0).all(axis=-1).sum())


def _decode(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        image.load()
        return image if image.mode == "RGB" else image.convert("RGB")
