"""Type of one row in the listing of a run's input files."""

from typing import TypedDict

#: Bytes of a digest, whether of a file or of the name of a group.
DIGEST_BYTES = 16


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
        split: Split that a manifest names, or that a retraining keeps: `train`, `eval` or `test`.
        fold: Fold of a picture that is cross-fitted, see `trainer_module.cross_fitting.folds`. It
            is in test only if its group is.
        known: Whether the serving version knows the picture: then nothing moves it to another
            split than `split`.
        group: Name of a group of pictures that share a split.
        group_digest: Digest of the group in hex, for a picture whose group's name is not known any
            more. `group` takes precedence.
        slices: Values of the columns that the config names as `slices`, by name; without empty
            ones. A listing that is written has them in a file of their own, see
            `components.evaluation.predictions.slice_values`.
        reason: Reason why the file is unusable. A row without this key is read.
        lost: In the rejects of an ingestion: whether the file could be read when it was listed.
    """

    bytes: int
    modified: int
    split: str
    fold: int
    known: bool
    group: str
    group_digest: str
    slices: dict[str, str]
    reason: str
    lost: bool
