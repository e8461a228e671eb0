"""The environment of a run: seed, versions and hardware that its metrics were computed with."""

import os
import platform

from pipeline.installed_versions import LIBRARIES, installed_version
from pipeline.summary.git_revision import git_revision

#: Name -> value, see `describe_environment`.
Environment = dict[str, str | int | None]


def describe_environment(seed: int, device: str | None) -> Environment:
    """Return what somebody needs to know to reproduce the metrics of a run.

    Args:
        seed: Seed of the run.
        device: Hardware that the model was trained on; None if nothing was trained.

    Returns:
        `seed`, `python`, `platform`, `cpus`, `device`, `git_revision`, and the version of each of
        `LIBRARIES`. A value is None where it is unknown.
    """
    versions = {name: installed_version(name) for name in LIBRARIES}
    return {
        "seed": seed,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "device": device,
        "git_revision": git_revision(),
        **versions,
    }
