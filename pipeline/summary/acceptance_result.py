"""Accepted predictions in the summary of a run. Importable without TensorFlow."""

from pydantic import BaseModel

from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.printable_names import printable_name

#: Domains that the line on the terminal names.
MAX_NAMED = 3


class AcceptedDomain(BaseModel):
    """Accepted predictions in one domain of the eval split, see `export.acceptance`.

    Attributes:
        pictures: Number of pictures.
        accepted: Number of pictures whose prediction is accepted.
        correct: Number of accepted predictions that are correct.
        accuracy_low: Lower end of the confidence interval of their accuracy.
        is_shown: Whether this end reaches the wanted accuracy.
    """

    pictures: int
    accepted: int
    correct: int
    accuracy_low: float
    is_shown: bool

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
    if not_shown := sum(not one.is_shown for _, one in ordered):
        few = counted(not_shown, "domain")
        line += f"; too few to show {acceptance.accuracy:g} correct in {few}"
    return line
