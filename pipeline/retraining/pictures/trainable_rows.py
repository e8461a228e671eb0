"""Rows of waiting batches that can join a training: they never stop the run of another batch."""

from components.data_gate.findings import new_class_finding
from components.data_gate.stopping import stopping_findings
from components.data_gate.validation_options import ValidationOptions
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.known_pictures import KnownPictures
from pipeline.retraining.pictures.picture_updates import is_usable


def allowed_classes(
    known: KnownPictures | None, validation: ValidationOptions | None
) -> frozenset[str] | None:
    """Return the classes that pictures of waiting batches may have; None for any.

    Args:
        known: Pictures of the serving version; None for a version without the list.
        validation: Options of the data gate; None to allow any class.
    """
    if known is None or validation is None:
        return None
    if not stopping_findings([new_class_finding({})], validation):
        return None
    return frozenset(row["label"] for row in known.rows)


def trainable_rows(rows: list[BatchRow], classes: frozenset[str] | None) -> list[BatchRow]:
    """Return the rows of a waiting batch at which the data gate does not stop a run.

    Unusable files count in the share of files that may be unusable (`validation.max_rejected`), and
    unknown classes are an error: either would hold a batch that has neither.

    Args:
        rows: Rows of the batch.
        classes: Classes that the pictures may have, see `allowed_classes`.
    """
    return [
        row
        for row in rows
        if is_usable(row) and (classes is None or not row["label"] or row["label"] in classes)
    ]
