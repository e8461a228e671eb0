"""Options of `carryover serve` about the pictures that are kept."""

from dataclasses import dataclass

from pipeline.inputs.layouts.folder_name_check import check_folder_name
from pipeline.serving.limits.memory_size import parse_size
from trainer_module.contract.errors import InputError

#: Most bytes that all kept pictures take by default, and the smallest limit.
DEFAULT_LIMIT, SMALLEST_LIMIT = "1GB", 10 * 10**6


@dataclass(frozen=True)
class SamplingOptions:
    """Which pictures are kept.

    Attributes:
        rate: Share of the pictures, above 0 and at most 1.
        max_bytes: Most bytes that they take on the disk.
        domain: Domain of clients that name none; "" if it is not known.
    """

    rate: float
    max_bytes: int
    domain: str


def parse_sampling_options(
    rate: float | None, limit: str | None, domain: str | None
) -> SamplingOptions | None:
    """Return the options; None if no pictures are kept.

    Args:
        rate: Value of `--sample-requests`; None if it was not given.
        limit: Value of `--sample-limit`, likewise.
        domain: Value of `--domain`, likewise.

    Raises:
        InputError: A value is wrong, or the others are given without a rate.
    """
    if rate is None:
        for option, value in {"--sample-limit": limit, "--domain": domain}.items():
            if value is not None:
                raise InputError(f"{option} goes with --sample-requests. Give it, too.")
        return None
    if not 0 <= rate <= 1:  # nan is neither
        raise InputError(f"--sample-requests: {rate} is no share. Give one between 0 and 1.")
    name = "" if domain is None else check_folder_name("--domain:", domain)
    max_bytes = parse_size("--sample-limit", limit or DEFAULT_LIMIT, SMALLEST_LIMIT)
    return SamplingOptions(rate, max_bytes, name) if rate else None
