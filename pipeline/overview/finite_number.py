"""Numbers in JSON files that any version of carryover, or a person, may have written."""

import math
from typing import Any


def finite_number(value: Any) -> float | None:
    """Return a finite number as a float; None for anything else.

    Pages cannot be sent an integer of more than 64 bits, which JSON may hold.

    Args:
        value: Value in a JSON file.

    Example:
        >>> from pipeline.overview.finite_number import finite_number
        >>> finite_number(3), finite_number("3"), finite_number(10**400)
        (3.0, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
