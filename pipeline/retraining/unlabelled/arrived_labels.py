"""Labels that have arrived: on which candidates those of a batch decide."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.config.run_config import RunConfig
from pipeline.retraining.batch import Batch
from pipeline.retraining.batch_decision import BatchDecision
from pipeline.retraining.unlabelled.awaiting_candidates import deciding_rows

if TYPE_CHECKING:
    from pipeline.retraining.training_set import TrainingSet


@dataclass(frozen=True)
class ArrivedLabels:
    """What the labels of a batch are for, where it brings nothing else.

    Attributes:
        answered: Batches on whose candidates they decide. Nothing is trained then.
    """

    answered: list[Batch] = field(default_factory=list)

    def decision(self, numbers: str) -> BatchDecision | None:
        """Return the decision on the batch; None where another one is to be made.

        Args:
            numbers: Numbers of the assessment, a text for people.
        """
        if not self.answered:
            return None
        names = ", ".join(one.name for one in self.answered)
        return BatchDecision(
            "labels_used", f"{numbers}; the labels decide on the candidate of {names}"
        )


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
    counts = Counter(row["domain"] for row in deciding_rows(awaited, pictures, config))
    return ArrivedLabels(
        [
            one
            for one in awaiting
            if labelled & set(one.awaited_domains)
            and all(counts[name] >= config.retrain.min_pictures for name in one.awaited_domains)
        ]
    )
