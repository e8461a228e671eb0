"""Pictures to which deliveries give different labels: they have none until most agree."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchRow
from trainer_module.contract.output_text.wording import counted, listed
from trainer_module.contract.printable_names import printable_name

if TYPE_CHECKING:
    from pipeline.retraining.pictures.picture_updates import NewestRows

T = TypeVar("T", bound=Hashable)

#: Pictures that a text names.
MAX_NAMED = 3

#: Begins the part of a reason that holds until the batches agree.
CONTRADICTED = "; contradicted: "


class LabelConflict(NamedTuple):
    """A picture with different labels.

    Attributes:
        name: Name of the picture in the newest delivery that gives it a label.
        batches: Names of the batches that hold it with a label, in the order of arrival.
    """

    name: str
    batches: tuple[str, ...]


def agreed(answers: Iterable[T]) -> T | None:
    """Return what most batches say of a picture; None where no answer has more than half.

    Args:
        answers: What every batch says, each of them once.
    """
    counts = Counter(answers)
    [(answer, count)] = counts.most_common(1)
    return answer if 2 * count > counts.total() else None


def unverified_domains(batches: Iterable[Batch]) -> set[str]:
    """Return the domains that a candidate was trained on without any label.

    Their first labels decide on it, or are the first that it is measured with: they are compared,
    also once the domain is a known one. In other domains, the newest label counts.

    Args:
        batches: Batches of the ledger.
    """
    return {name for one in batches for name in one.unverified_domains}


def compare_labels(
    newest: "NewestRows", given: Iterable[tuple[str, list[BatchRow]]], domains: AbstractSet[str]
) -> tuple["NewestRows", dict[bytes, LabelConflict]]:
    """Compare what batches say of pictures that are in no training, in domains without labels.

    Which of two labels comes first is chance: what most batches say counts, see `agreed`.

    Args:
        newest: What the newest delivery of every picture says.
        given: Names and rows of the batches whose labels count.
        domains: Domains in which labels are compared, see `unverified_domains`.

    Returns:
        The pictures with the labels that most batches give, and those of which no label has more
        than half, by content.
    """
    from pipeline.retraining.pictures.picture_updates import content_of, is_usable

    if not domains:
        return newest, {}
    contents = {
        content_of(row)
        for rows in newest.new.values()
        for row in rows
        if is_usable(row) and row["label"]
    }
    names: dict[bytes, str] = {}
    answers: dict[bytes, dict[tuple[str, str, str], None]] = defaultdict(dict)
    for batch, rows in given:
        for row in rows:
            if row["label"] and is_usable(row) and (content := content_of(row)) in contents:
                names[content] = row["name"]
                answers[content][batch, row["domain"], row["label"]] = None
    conflicts: dict[bytes, LabelConflict] = {}
    settled: dict[bytes, tuple[str, str]] = {}
    for content, said in answers.items():
        labels = [(domain, label) for _, domain, label in said]
        if len(set(labels)) == 1 or domains.isdisjoint(domain for domain, _ in labels):
            continue
        if answer := agreed(labels):
            settled[content] = answer
        else:
            batches = tuple(dict.fromkeys(batch for batch, *_ in said))
            conflicts[content] = LabelConflict(names[content], batches)

    def with_answer(row: BatchRow) -> BatchRow:
        if not is_usable(row) or content_of(row) not in settled:
            return row
        domain, label = settled[content_of(row)]
        return row | {"domain": domain, "label": label}

    new = {number: [with_answer(row) for row in rows] for number, rows in newest.new.items()}
    return replace(newest, new=new), conflicts


def with_conflicts(
    reason: str, conflicts: Mapping[bytes, LabelConflict], name: str, then: str = ""
) -> str:
    """Return the reason of a batch with the pictures that another batch contradicts now.

    Args:
        reason: Reason for the state of the batch.
        conflicts: Pictures with different labels, by content.
        name: Name of the batch.
        then: Text to add to the reason before.
    """
    own = {content: one for content, one in conflicts.items() if name in one.batches}
    return reason.partition(CONTRADICTED)[0] + then + _describe(own)


def _describe(conflicts: Mapping[bytes, LabelConflict]) -> str:
    """Return which pictures count as having no label, and why; "" without any."""
    if not conflicts:
        return ""
    found = sorted(conflicts.values())
    batches = sorted({printable_name(name) for one in found for name in one.batches})
    names = [printable_name(one.name) for one in found[:MAX_NAMED]]
    more = ", ..." if len(found) > MAX_NAMED else ""
    verb = "has" if len(found) == 1 else "have"
    return (
        f"{CONTRADICTED}{counted(len(found), 'picture')} {verb} different labels in "
        f"{listed(batches)} and cannot decide ({', '.join(names)}{more}): correct the wrong batch, "
        "and deliver it again under its name"
    )
