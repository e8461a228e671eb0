"""Whether unlabelled pictures of a batch start a retraining, and which domains nothing tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.assessing.assessment import BatchAssessment
from trainer_module.contract.printable_names import printable_name


class HeldOutCount(NamedTuple):
    """Numbers of unlabelled pictures of a domain that are not trained on.

    Attributes:
        pictures: Number of all of them.
        testing: Number of those that can test a candidate, once they have a label.
    """

    pictures: int = 0
    testing: int = 0


@dataclass(frozen=True)
class UnlabelledPlan:
    """What the unlabelled pictures of a batch start.

    Attributes:
        starts_retraining: Whether there are enough of them to retrain, however few labelled ones.
        unverified: Domains to train on in which no picture has a label.
        too_small: Domains without a label that have too few pictures to train on some and to test
            with others.
    """

    starts_retraining: bool = False
    unverified: tuple[str, ...] = ()
    too_small: tuple[str, ...] = ()

    def describe(self, options: RetrainOptions) -> str:
        """Return the plan, to be added to the numbers of a batch; "" where nothing starts.

        Args:
            options: Options of the retraining.
        """
        if self.starts_retraining:
            return "; unlabelled pictures are trained on"
        if not self.too_small:
            return ""
        names = ", ".join(f"'{printable_name(name)}'" for name in self.too_small)
        return (
            f"; {names}: too few unlabelled pictures to train on, and to test with "
            f"{options.min_pictures:,} others"
        )


def plan_unlabelled(
    assessment: BatchAssessment,
    waiting: Mapping[str, int],
    test_accuracies: Mapping[str, float],
    held_out: Mapping[str, HeldOutCount],
    options: RetrainOptions,
    disputed: Mapping[str, int] = MappingProxyType({}),
) -> UnlabelledPlan:
    """Return what the unlabelled pictures of a batch start; nothing unless that is `always`.

    Args:
        assessment: Assessment of the batch.
        waiting: Number of labelled pictures by domain that wait for a training.
        test_accuracies: Accuracy of the serving version on the test split, by known domain.
        held_out: Unlabelled pictures by domain that are not trained on.
        options: Options of the retraining.
        disputed: Number of labelled pictures of the batch by domain that count as having no label,
            because other batches give them another one.
    """
    if options.unlabelled != "always":
        return UnlabelledPlan()
    num_checked = 0
    unverified: list[str] = []
    too_small: list[str] = []
    for name, domain in assessment.domains.items():
        kept = held_out.get(name, HeldOutCount())
        trained = domain.unlabelled - kept.pictures
        if name in test_accuracies or domain.labelled - disputed.get(name, 0):
            num_checked += trained
        elif not waiting.get(name, 0) and domain.unlabelled:
            can_test = options.unverified == "push" or kept.testing >= options.min_pictures
            (unverified if can_test and trained >= options.min_pictures else too_small).append(name)
    return UnlabelledPlan(
        starts_retraining=bool(unverified) or num_checked >= options.min_pictures,
        unverified=tuple(unverified),
        too_small=tuple(too_small),
    )
