"""Memory that activations may take."""

import os
from pathlib import Path

#: Share of the available memory of the machine that is used if no budget is set.
AVAILABLE_SHARE = 0.25

#: File in which Linux says what memory is available. The file cache, which it gives back, is: after
#: the pictures were read, it has most of the memory.
MEMORY_INFO = Path("/proc/meminfo")


def activation_budget(cache_memory: int | None) -> int:
    """Return the memory for activations in bytes.

    Args:
        cache_memory: Value of the option, in MiB; None for a quarter of the available memory.
    """
    if cache_memory is not None:
        return cache_memory * 2**20
    return int(available_memory() * AVAILABLE_SHARE)


def available_memory() -> int:
    """Return the memory that programs can get now, in bytes."""
    for line in MEMORY_INFO.read_text().splitlines():
        name, value, *_ = line.split()
        if name == "MemAvailable:":
            return int(value) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
