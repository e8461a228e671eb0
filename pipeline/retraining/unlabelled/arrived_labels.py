"""Labels that have arrived: on which candidates those of a batch decide."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.config.run_config import RunConfig
from pipeline.retraining.batch import Batch
from pipeline.retraining.batch_decision import BatchDecision
from pipeline.retraining.unlabelled.awaiting_candidates import deciding_rows
from pipeline.retraining.unlabelled.label_conflicts import (
    LabelConflict,
    describe_conflicts,
    find_conflicts,
)

if TYPE_CHECKING:
    from pipeline.retraining.training_set import TrainingSet


@dataclass(frozen=True)
class ArrivedLabels:
    """What the labels of a batch are for, where it brings nothing else.

    Attributes:
        answered: Batches on whose candidates they decide. Nothing is trained then.
        disputed: Batches on whose candidates they would decide, if other batches did not give some
            of the pictures another label.
        conflicts: Pictures with different labels, by content. They decide nothing.
    """

    answered: list[Batch] = field(default_factory=list)
    disputed: list[Batch] = field(default_factory=list)
    conflicts: Mapping[bytes, LabelConflict] = MappingProxyType({})

    def decision(self, numbers: str) -> BatchDecision | None:
        """Return the decision on the batch; None where another one is to be made.

        Args:
            numbers: Numbers of the assessment, a text for people.
        """
        conflicts = describe_conflicts(self.conflicts)
        reason = f"{numbers}; {conflicts}" if conflicts else numbers
        if self.answered:
            names = _names(self.answered)
            return BatchDecision(
                "labels_used", f"{reason}; the labels decide on the candidate of {names}"
            )
        if self.disputed:
            return BatchDecision(
                "too_little_data",
                f"{reason}, and the other labels are too few to decide on the candidate of "
                f"{_names(self.disputed)}: correct one of these batches, and deliver it again "
                "under its name. The batch waits for more",
            )
        return None


def read_labels(
    batch: Batch, batches: Iterable[Batch], pictures: "TrainingSet", config: RunConfig
) -> ArrivedLabels:
    """Return on which candidates the labels of a batch decide.

    The batch must hold nothing else that could be trained on: otherwise it is trained on, and the
    candidates await further labels.

    Args:
        batch: Batch that is processed.
        batches: All batches of the ledger.
        pictures: Pictures of the batch, and those that wait for a training.
        config: Configuration of the retraining.
    """
    from pipeline.retraining.pictures.picture_updates import content_of

    awaiting = [
        one
        for one in batches
        if one.has_awaiting_candidate and one.replaced_by is None and one.number != batch.number
    ]
    if not awaiting or pictures.batch_update_counts().nonzero():
        return ArrivedLabels()
    labelled = {row["domain"] for row in pictures.newest.new[batch.number] if row["label"]}
    awaited = {name for one in awaiting for name in one.awaited_domains}
    if not labelled or not labelled <= awaited:
        return ArrivedLabels()
    conflicts = find_conflicts(pictures, awaited)
    rows = deciding_rows(awaited, pictures, config)
    all_counts = Counter(row["domain"] for row in rows)
    counts = Counter(row["domain"] for row in rows if content_of(row) not in conflicts)

    def is_enough(numbers: Mapping[str, int], domains: list[str]) -> bool:
        return all(numbers.get(name, 0) >= config.retrain.min_pictures for name in domains)

    concerned = [one for one in awaiting if labelled & set(one.awaited_domains)]
    answered = [one for one in concerned if is_enough(counts, one.awaited_domains)]
    disputed = [
        one
        for one in concerned
        if one not in answered and is_enough(all_counts, one.awaited_domains)
    ]
    return ArrivedLabels(answered, disputed, conflicts)


def _names(batches: list[Batch]) -> str:
    return ", ".join(one.name for one in batches)
