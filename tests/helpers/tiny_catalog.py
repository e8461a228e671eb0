"""Rows of a catalog with chosen contents and perceptual hashes."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.image_example_gen.catalog import SCHEMA, write_catalog

LOOK = SCHEMA.field("look").type
LOOK_BITS = LOOK.bit_width

Bits = npt.NDArray[np.int64]


def random_look(seed: int) -> Bits:
    """Return the bits of a random perceptual hash."""
    return np.random.default_rng(seed).integers(0, 2, LOOK_BITS)


def with_flipped(look: Bits, bits: int) -> Bits:
    """Return the hash with its first bits flipped."""
    return np.r_[1 - look[:bits], look[bits:]]


def row(image_id: bytes, content: int, look: Bits, split: str = "train") -> dict[str, Any]:
    """Return a row whose domain and label are taken from the id."""
    domain, label, _ = image_id.decode("utf-8", "replace").split("/")
    packed = pa.array([np.packbits(look).tobytes()], pa.binary(LOOK_BITS // 8))
    return {
        "image_id": image_id,
        "domain": domain,
        "label": label,
        "split": split,
        "content": content.to_bytes(16, "big"),
        "look": packed.view(LOOK)[0].as_py(),
    }


def write_chunks(folder: Path, *chunks: list[dict[str, Any]]) -> str:
    """Write a catalog of several chunks, and return its URI."""
    for number, rows in enumerate(chunks):
        write_catalog(str(folder), f"{number:05d}", rows)
    return str(folder)
