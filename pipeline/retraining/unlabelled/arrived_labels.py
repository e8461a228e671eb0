"""Labels that have arrived: on which candidates those of a batch decide."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.config.run_config import RunConfig
from pipeline.retraining.batch import Batch
from pipeline.retraining.batch_decision import BatchDecision
from pipeline.retraining.current_reason import WAITS
from pipeline.retraining.unlabelled.awaiting_candidates import deciding_rows, with_known_classes
from trainer_module.contract.printable_names import printable_name

if TYPE_CHECKING:
    from pipeline.retraining.training_set import TrainingSet


@dataclass(frozen=True)
class ArrivedLabels:
    """What the labels of a batch are for, where it brings nothing else.

    Attributes:
        answered: Batches on whose candidates they decide. Nothing is trained then.
        missing: Domains without enough labels to decide on a candidate for which the labels are
            enough in other domains. They wait for those.
    """

    answered: list[Batch] = field(default_factory=list)
    missing: tuple[str, ...] = ()

    def decision(self, numbers: str) -> BatchDecision | None:
        """Return the decision on the batch; None where another one is to be made.

        Args:
            numbers: Numbers of the assessment, a text for people.
        """
        if not self.answered and self.missing:
            names = ", ".join(f"'{printable_name(name)}'" for name in self.missing)
            return BatchDecision(
                "too_little_data",
                f"{numbers}; the candidate awaits labels in {names}, too. {WAITS}",
            )
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
    rows = [row for row in pictures.newest.new[batch.number] if row["label"]]
    if len(with_known_classes(rows, pictures.known)) < len(rows):  # no candidate can predict it
        return ArrivedLabels()
    labelled = {row["domain"] for row in rows}
    awaited = {name for one in awaiting for name in one.awaited_domains}
    if not labelled or not labelled <= awaited:
        return ArrivedLabels()
    counts = Counter(row["domain"] for row in deciding_rows(awaited, pictures, config))
    concerned = [one for one in awaiting if labelled & set(one.awaited_domains)]
    enough = {name for name in awaited if counts[name] >= config.retrain.min_pictures}
    answered = [one for one in concerned if enough.issuperset(one.awaited_domains)]
    missing: set[str] = set()
    if labelled <= enough:
        missing.update(*(one.awaited_domains for one in concerned))
    return ArrivedLabels(answered, tuple(sorted(missing - enough)))
