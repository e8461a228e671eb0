"""Accepted predictions in the summary of a run. Importable without TensorFlow."""

from pydantic import BaseModel

from trainer_module.contract.output_text.wording import listed
from trainer_module.contract.printable_names import printable_name

#: Domains that the line on the terminal names.
MAX_NAMED = 3

#: Fall of the share of accepted predictions in a domain above which it is told.
MAX_FALL = 0.1


class AcceptedDomain(BaseModel):
    """Accepted predictions in one domain of the eval split, see `export.acceptance`.

    Attributes:
        pictures: Number of pictures.
        accepted: Number of pictures whose prediction is accepted.
        correct: Number of accepted predictions that are correct.
        accuracy_low: Lower end of the confidence interval of their accuracy.
        is_shown: Whether this end reaches the wanted accuracy.
        baseline_coverage: Share of the predictions that the baseline accepted, on its eval split;
            null without one, and where it is not known.
    """

    pictures: int
    accepted: int
    correct: int
    accuracy_low: float
    is_shown: bool
    baseline_coverage: float | None = None

    @property
    def has_fallen(self) -> bool:
        """Whether a much smaller share of the predictions is accepted than of the baseline's."""
        before = self.baseline_coverage
        return before is not None and round(before - self.coverage, 6) > MAX_FALL

    @property
    def coverage(self) -> float:
        """Share of the predictions that are accepted."""
        return self.accepted / self.pictures

    @property
    def accuracy(self) -> float | None:
        """Share of the accepted predictions that are correct; None if none is accepted."""
        return self.correct / self.accepted if self.accepted else None


class AcceptanceResult(BaseModel):
    """Limits of the accepted predictions of the exported model.

    Attributes:
        accuracy: Wanted accuracy of accepted predictions, `serve.accepted_accuracy`.
        min_confidence: Lowest confidence of an accepted prediction; above 1 if none is accepted.
        max_novelty: Greatest novelty of an accepted prediction.
        domains: Accepted predictions by name of the domain.
    """

    accuracy: float
    min_confidence: float
    max_novelty: float
    domains: dict[str, AcceptedDomain]

    def compared_with(self, baseline: "AcceptanceResult | None") -> "AcceptanceResult":
        """Return the same with the shares of the baseline.

        Args:
            baseline: Accepted predictions of the baseline; None where they are not known.
        """
        before = baseline.domains if baseline else {}
        domains = {
            name: one.model_copy(update={"baseline_coverage": before[name].coverage})
            if name in before
            else one
            for name, one in self.domains.items()
        }
        return self.model_copy(update={"domains": domains})


def describe_acceptance(acceptance: AcceptanceResult | None) -> str:
    """Return a line with the domains in which the fewest predictions are accepted.

    Args:
        acceptance: Accepted predictions; None gives an empty text.
    """
    if acceptance is None:
        return ""
    ordered = sorted(acceptance.domains.items(), key=lambda item: item[1].coverage)
    texts = [f"'{printable_name(name)}' {one.coverage:.2f}" for name, one in ordered]
    line = f"Share of accepted predictions (eval split): {', '.join(texts[:MAX_NAMED])}"
    if len(texts) > MAX_NAMED:
        line += f" and {len(texts) - MAX_NAMED:,} more"
    if not_shown := [name for name, one in ordered if not one.is_shown]:
        everywhere = len(not_shown) == len(ordered) > 1
        names = listed(f"'{printable_name(name)}'" for name in not_shown)
        where = f"any of the {len(ordered):,} domains" if everywhere else names
        few = f"too few accepted pictures to show {acceptance.accuracy:g} of them correct"
        line += f"; {few} in {where}"
    return line


def describe_fall(acceptance: AcceptanceResult | None) -> str:
    """Return in which domains far fewer predictions are accepted than before, and from what share.

    Args:
        acceptance: Accepted predictions; None gives an empty text.

    Returns:
        A part of a sentence, the domain that lost most first; "" where the share fell nowhere.
    """
    domains = acceptance.domains if acceptance else {}
    fallen = {
        name: (one.baseline_coverage or 0.0, one.coverage)
        for name, one in domains.items()
        if one.has_fallen
    }
    order = sorted(fallen, key=lambda name: fallen[name][1] - fallen[name][0])
    texts = [
        f"'{printable_name(name)}' from {fallen[name][0]:.2f} to {fallen[name][1]:.2f}"
        for name in order[:MAX_NAMED]
    ]
    more = f" and {len(order) - MAX_NAMED:,} more" if len(order) > MAX_NAMED else ""
    return f"the share of accepted predictions fell in {', '.join(texts)}{more}" if texts else ""
