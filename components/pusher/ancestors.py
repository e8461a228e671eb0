"""Ancestors of a version: its baseline, the baseline of that, and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from components.pusher.version_store import Push


class Ancestors(NamedTuple):
    """A version with all that it goes back to.

    Attributes:
        numbers: Number of the version, that of its baseline, of the baseline of that, and so on.
        lost: The last of them, if its record is missing or damaged: nothing is known of those
            before it. 0 if all are known.
    """

    numbers: frozenset[int]
    lost: int = 0


def find_ancestors(version: int | None, read_push: Callable[[int], Push]) -> Ancestors:
    """Return the ancestors of a version.

    Args:
        version: Number of the version; None for no version, which has no ancestors.
        read_push: Function that reads the record of any version. It raises an `InputError` if the
            record is missing or damaged.
    """
    numbers: set[int] = set()
    while version is not None and version not in numbers:  # a changed record could name itself
        numbers.add(version)
        try:
            push = read_push(version)
        except InputError:
            return Ancestors(frozenset(numbers), lost=version)
        if push.ancestors is not None:
            return Ancestors(frozenset(numbers.union(push.ancestors)))
        version = push.baseline_version
    return Ancestors(frozenset(numbers))
