"""What batches change of known pictures: counts, texts and findings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.data_gate.findings import Finding
from components.pusher.data_set import DataSetRow
from pipeline.retraining.pictures.known_pictures import KnownPictures
from pipeline.retraining.pictures.listing_rows import ListingRows
from pipeline.retraining.pictures.picture_updates import PictureUpdate
from trainer_module.contract.output_text.wording import counted, listed, quoted

#: Number of pictures that a finding names.
EXAMPLES = 3


@dataclass(frozen=True)
class UpdateCounts:
    """Number of known pictures that are changed.

    Attributes:
        labels: Pictures with another label.
        domains: Pictures in another domain.
        groups: Pictures in another group.
        slices: Pictures with another value of a slice.
        omitted: Pictures of an earlier delivery that its redelivery omits.
    """

    labels: int = 0
    domains: int = 0
    groups: int = 0
    slices: int = 0
    omitted: int = 0

    def nonzero(self) -> dict[str, int]:
        """Return the counts of what is changed, by the names that events have for them."""
        counts = {f"changed_{name}": count for name, count in vars(self).items()}
        counts["not_delivered_again"] = counts.pop("changed_omitted")
        return {name: count for name, count in counts.items() if count}

    def __str__(self) -> str:
        """Return a text for people; "" if nothing is changed."""
        parts = [
            f"{counted(count, 'known picture')} {what}"
            for count, what in (
                (self.labels, "with another label"),
                (self.domains, "in another domain"),
                (self.groups, "in another group"),
                (self.slices, "with another value of a slice"),
                (self.omitted, "not in the new delivery"),
            )
            if count
        ]
        return ", ".join(parts)


def count_updates(updates: Iterable[PictureUpdate], omitted: int = 0) -> UpdateCounts:
    """Count what updates change.

    Args:
        updates: Updates of known pictures.
        omitted: Number of pictures that a redelivery omits.
    """
    changes = Counter(change for update in updates for change in update.changes)
    return UpdateCounts(
        labels=changes["label"],
        domains=changes["domain"],
        groups=changes["group"],
        slices=changes["slices"],
        omitted=omitted,
    )


def update_findings(
    updates: Sequence[PictureUpdate], omitted: Sequence[DataSetRow], rows: ListingRows
) -> list[Finding]:
    """Return findings about the updates of a training set, with names of pictures.

    Args:
        updates: Updates of known pictures.
        omitted: Pictures that a redelivery omits.
        rows: The rows of the listing, which note contradictory splits.
    """
    findings = []
    changed = [update for update in updates if update.changes]
    if changed or omitted:
        known = rows.known
        examples = [_described(update, known) for update in changed[:EXAMPLES]]
        examples += [
            f"{quoted(known.name(row))} is not delivered again" for row in omitted[:EXAMPLES]
        ]
        text = f"The newest delivery of a picture wins: {count_updates(changed, len(omitted))}."
        text += f" Their splits stay: {'; '.join(examples)}."
        findings.append(Finding(kind="corrections", severity="information", text=text))
    if rows.overridden:
        examples = [
            f"{quoted(name)} (given {given}, kept in {kept})"
            for name, given, kept in rows.overridden
        ]
        text = (
            f"Found {counted(len(rows.overridden), 'picture')} whose given split contradicts the "
            "split in which the serving version knows the picture or its group. The known split "
            f"is kept; give the same one, or none: {listed(examples)}."
        )
        findings.append(Finding(kind="split_conflict", severity="warning", text=text))
    return findings


def _described(update: PictureUpdate, pictures: KnownPictures) -> str:
    row, known = update.rows[0], update.known[0]
    changes = []
    if "label" in update.changes:
        labels = sorted({row["label"] for row in update.rows})
        changes.append(f"{quoted(known['label'])} is now {listed(map(quoted, labels))}")
    if "domain" in update.changes:
        changes.append(f"domain {quoted(known['domain'])} is now {quoted(row['domain'])}")
    if "group" in update.changes:
        changes.append(f"its group is now {quoted(row.get('group', ''))}")
    if "slices" in update.changes:
        changes += _described_slices(update)
    return f"{quoted(pictures.name(known))}: {', '.join(changes)}"


def _described_slices(update: PictureUpdate) -> list[str]:
    texts = []
    for name, value in sorted(update.rows[0].get("slices", {}).items()):
        earlier = update.known_slices.get(name)
        if earlier != value:
            was = f" {quoted(earlier)}" if earlier else ""
            texts.append(f"{name}{was} is now {quoted(value)}")
    return texts
