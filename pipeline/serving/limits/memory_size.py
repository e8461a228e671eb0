"""Sizes in bytes as text, and the default of the memory for requests."""

import re

from trainer_module.contract.errors import InputError
from trainer_module.contract.machine_memory import memory_limit

UNITS = {"MiB": 2**20, "GiB": 2**30, "MB": 10**6, "GB": 10**9}

#: Smallest memory for requests: a picture of 4 megapixels still fits.
SMALLEST = 256 * 2**20

#: Share of the machine's memory for requests by default, and its upper limit. The rest is for the
#: model, twice while versions change, and for the file cache.
DEFAULT_SHARE, DEFAULT_LIMIT = 0.25, 4 * 2**30


def parse_size(option: str, text: str, smallest: int = SMALLEST) -> int:
    """Return the bytes of a size such as `2GiB` or `512 MB`.

    Args:
        option: Option of the command that has this value, for the messages.
        text: Number and unit, one of `UNITS`.
        smallest: Smallest size in bytes.

    Raises:
        InputError: The text is no such size, or it is too small.
    """
    match = re.fullmatch(rf"(\d+(?:\.\d+)?) ?({'|'.join(UNITS)})", text.strip())
    if match is None or len(match[1]) > 20:
        raise InputError(f"{option}: '{text[:80]}' is no size. Give one such as 512MiB or 2GiB.")
    size = int(float(match[1]) * UNITS[match[2]])
    if size < smallest:
        unit = next(unit for unit in UNITS if smallest % UNITS[unit] == 0)
        raise InputError(
            f"{option}: {text} is too small. Give {smallest // UNITS[unit]}{unit} at least."
        )
    return size


def default_max_memory() -> int:
    """Return the memory for requests: a quarter of the machine's or container's, 4 GiB at most."""
    share = int(memory_limit() * DEFAULT_SHARE)
    return max(SMALLEST, min(share, DEFAULT_LIMIT))
