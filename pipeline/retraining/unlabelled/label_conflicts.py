"""Pictures to which deliveries give different labels: they decide on no candidate."""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from components.pusher.version_store import VersionStore
from pipeline.retraining.batch import KEPT, OPEN
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.unlabelled.labels_since import readable_rows
from trainer_module.contract.output_text.wording import counted, listed
from trainer_module.contract.printable_names import printable_name

if TYPE_CHECKING:
    from pipeline.retraining.training_set import TrainingSet

T = TypeVar("T", bound=Hashable)

#: Pictures that a text names.
MAX_NAMED = 3


class LabelConflict(NamedTuple):
    """A picture with different labels.

    Attributes:
        name: Name of the picture in the newest delivery.
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


def find_conflicts(pictures: "TrainingSet", domains: Collection[str]) -> dict[bytes, LabelConflict]:
    """Return the pictures to which batches give different labels, or domains, by content.

    Batches that are not processed yet count, too: which of two comes first is chance. A batch that
    another one replaces does not, also where that one is a duplicate.

    Args:
        pictures: Pictures of a batch, and those that wait for a training.
        domains: Domains whose pictures are looked at.
    """
    from pipeline.retraining.pictures.picture_updates import content_of, is_usable
    from pipeline.retraining.pictures.replaced_batches import replaced_batches

    names = {
        content_of(row): row["name"]
        for rows in pictures.newest.new.values()
        for row in rows
        if is_usable(row) and row["label"] and row["domain"] in domains
    }
    store = BatchStore(pictures.workspace.batches)
    versions = VersionStore(pictures.workspace.root, pictures.model.parent.name)
    replaced = replaced_batches(pictures.batches, pictures.batch.number, versions)
    duplicates = {batch.number for batch in pictures.batches if batch.state == "duplicate"}
    labels: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
    holders: dict[bytes, list[str]] = defaultdict(list)
    for batch in pictures.batches:
        is_replaced = batch in replaced or batch.replaced_by in duplicates
        if batch.state not in (*KEPT, OPEN) or is_replaced:
            continue
        for row in readable_rows(batch, store):
            if row["label"] and is_usable(row) and (content := content_of(row)) in names:
                labels[content].add((row["domain"], row["label"]))
                holders[content].append(batch.name)
    return {
        content: LabelConflict(names[content], tuple(dict.fromkeys(holders[content])))
        for content, given in labels.items()
        if len(given) > 1
    }


def describe_conflicts(conflicts: Mapping[bytes, LabelConflict]) -> str:
    """Return which pictures decide nothing and why, as a part of a reason; "" without any.

    Args:
        conflicts: Pictures with different labels, by content.
    """
    if not conflicts:
        return ""
    found = sorted(conflicts.values())
    batches = sorted({printable_name(name) for one in found for name in one.batches})
    names = [printable_name(one.name) for one in found[:MAX_NAMED]]
    more = ", ..." if len(found) > MAX_NAMED else ""
    verb = "has" if len(found) == 1 else "have"
    return (
        f"{counted(len(found), 'picture')} {verb} different labels in {listed(batches)} and "
        f"cannot decide ({', '.join(names)}{more})"
    )
