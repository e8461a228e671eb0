"""Memory of the machine, or of the container that a process runs in."""

from pathlib import Path

import psutil

#: Where Linux mounts control groups, and the file that names those of this process.
CGROUPS, OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

#: Names of the files of a control group, of version 2 and of version 1: the limit in bytes, what is
#: used of it, and the key in `memory.stat` of the file cache that Linux gives back first.
VERSION_2 = ("memory.max", "memory.current", "inactive_file")
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def memory_limit() -> int:
    """Return the bytes of memory that this machine has, or that this container may use."""
    limits = [limit for folder, names in _control_groups() for limit in _limit(folder, names)]
    return min([psutil.virtual_memory().total, *limits])


def available_memory() -> int:
    """Return the bytes of memory that programs can get now.

    The file cache, which Linux gives back, is part of it: after the pictures were read, it has most
    of the memory.
    """
    available = [psutil.virtual_memory().available]
    for folder, names in _control_groups():
        for limit in _limit(folder, names):
            available.append(max(limit - _in_use(folder, names), 0))
    return min(available)


def _control_groups() -> list[tuple[Path, tuple[str, str, str]]]:
    """Return the folders of the control groups that limit this process, and their file names.

    In a container, the group of the container is mounted at the root; elsewhere, for example in a
    unit of systemd, the group of the process and all groups above it count.
    """
    lines = OWN_CGROUPS.read_text().splitlines() if OWN_CGROUPS.is_file() else []
    folders = [(CGROUPS, VERSION_2), (CGROUPS / "memory", VERSION_1)]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root, names = folders[1 if controllers else 0]
        if controllers in {"", "memory"}:
            own = Path(path.lstrip("/"))
            folders += [(root / each, names) for each in (own, *own.parents) if each != Path()]
    return folders


def _limit(folder: Path, names: tuple[str, str, str]) -> list[int]:
    """Return the limit of a group in bytes, or nothing; the file says "max" without a limit."""
    path = folder / names[0]
    text = path.read_text().strip() if path.is_file() else ""
    return [int(text)] if text.isdecimal() else []


def _in_use(folder: Path, names: tuple[str, str, str]) -> int:
    """Return the bytes that a group uses, without the file cache that is given back first."""
    statistics = (folder / "memory.stat").read_text().splitlines()
    cached = [int(line.split()[1]) for line in statistics if line.split()[0] == names[2]]
    return int((folder / names[1]).read_text()) - sum(cached)
