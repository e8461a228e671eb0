"""Rows of waiting batches that can join a training: they never stop the run of another batch."""

from dataclasses import replace

from components.data_gate.findings import new_class_finding
from components.data_gate.stopping import stopping_findings
from components.data_gate.validation_options import ValidationOptions
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.known_pictures import KnownPictures
from pipeline.retraining.pictures.picture_updates import NewestRows, is_usable


def without_stopping_rows(
    newest: NewestRows,
    number: int,
    known: KnownPictures | None,
    validation: ValidationOptions | None,
) -> NewestRows:
    """Return rows without those of waiting batches at which the data gate would stop a run.

    Unusable files count in the share of files that may be unusable (`validation.max_rejected`), and
    unknown classes are an error: either would hold a batch that has neither. What an earlier
    delivery said of such a picture does not count any more; a known picture stays as it is.

    Args:
        newest: What the newest delivery of every picture says.
        number: Number of the batch that is trained on. All its rows stay.
        known: Pictures of the serving version; None for a version without the list.
        validation: Options of the data gate; None to allow any class.
    """
    classes = _allowed_classes(known, validation)

    def is_trainable(row: BatchRow) -> bool:
        is_allowed = classes is None or not row["label"] or row["label"] in classes
        return is_usable(row) and is_allowed

    new = {
        one: rows if one == number else [row for row in rows if is_trainable(row)]
        for one, rows in newest.new.items()
    }
    updates = {
        content: update
        for content, update in newest.updates.items()
        if update.number == number or all(is_trainable(row) for row in update.rows)
    }
    return replace(newest, new=new, updates=updates)


def _allowed_classes(
    known: KnownPictures | None, validation: ValidationOptions | None
) -> frozenset[str] | None:
    """Return the classes that pictures of waiting batches may have; None for any."""
    if known is None or validation is None:
        return None
    if not stopping_findings([new_class_finding({})], validation):
        return None
    return frozenset(row["label"] for row in known.rows)
