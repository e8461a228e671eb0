"""A picture without a label, which may be chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.inputs.allowed_roots import AllowedRoots


@dataclass(frozen=True)
class UnlabelledPicture:
    """A picture that may be chosen.

    Attributes:
        location: Path or URI of the file.
        name: Path of the picture as people know it.
        domain: Name of the domain.
        roots: Where the file may be; None for any place.
        columns: Group, split and further columns by name.
    """

    location: str
    name: str
    domain: str
    roots: AllowedRoots | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
