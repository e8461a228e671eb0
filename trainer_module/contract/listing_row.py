"""Type of one row in the listing of a run's input files."""

from typing import TypedDict


class _RequiredKeys(TypedDict):
    path: str
    domain: str
    label: str


class ListingRow(_RequiredKeys, total=False):
    """One file in the listing that a run reads, see `pipeline.inputs.snapshot.Snapshot`.

    Attributes:
        path: Path of the file, relative to the data root, absolute, or a URI. Unique in a listing.
        domain: Name of the domain; "" where it is unknown.
        label: Name of the class; "" where it is unknown.
        bytes: Size of the file, 0 where it is unknown.
        modified: Time of the last change in ns since the epoch, 0 where it is unknown.
        split: Split that a manifest names: `train`, `eval` or `test`.
        group: Name of a group of pictures that share a split.
        reason: Reason why the file is unusable. A row without this key is read.
    """

    bytes: int
    modified: int
    split: str
    group: str
    reason: str
