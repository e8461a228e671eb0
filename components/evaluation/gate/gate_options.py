"""Options of the gates. The run config holds them as `gate`."""

from typing import Final, Literal

from pydantic import Field

from components.evaluation.gate.slice_names import SliceNames
from trainer_module.contract.options_base import Options

#: Which earlier versions a candidate is compared with.
SERVING: Final = "serving"
BEST: Final = "best"

#: Modes of the gate of a loss.
NO_PROVEN_LOSS: Final = "no_proven_loss"
NO_POSSIBLE_LOSS: Final = "no_possible_loss"


class MetricLimits(Options):
    """Largest losses of further metrics in a domain, against the serving version; null: no gate."""

    macro_f1: float | None = Field(None, ge=0, le=1, description="loss of macro F1")
    log_loss: float | None = Field(None, ge=0, description="rise of the log loss, in nats")
    calibration_error: float | None = Field(
        None, ge=0, le=1, description="rise of the expected calibration error"
    )
    recall_at_precision: float | None = Field(
        None, ge=0, le=1, description="loss of the recall at the precision `gate.precision`"
    )

    @property
    def gated(self) -> dict[str, float]:
        """Limits of the metrics that are gated, by name of the metric."""
        return self.model_dump(exclude_none=True)


class GateOptions(Options):
    """When a candidate is blessed. Every limit holds for each domain, or class, by itself."""

    min_accuracy: float = Field(
        0.5, ge=0, le=1, description="floor: least accuracy in every domain"
    )
    max_drop: float = Field(
        0.02,
        ge=0,
        le=1,
        description="most accuracy that a domain may lose against an earlier version",
    )
    class_max_drop: float = Field(
        0.10,
        ge=0,
        le=1,
        description="most recall that a class of a domain may lose against the serving model",
    )
    class_min_recall: float | None = Field(
        None, ge=0, le=1, description="floor: least recall of every class in every domain"
    )
    confidence: float = Field(
        0.9,
        gt=0,
        lt=1,
        description="confidence level of the intervals; (1 - confidence) / 2 is "
        "the probability that a candidate which lost nothing is rejected",
    )
    gain_confidence: float = Field(
        0.8, gt=0.5, lt=1, description="confidence that a candidate is better in a new domain"
    )
    mode: Literal["no_proven_loss", "no_possible_loss"] = Field(
        NO_PROVEN_LOSS,
        description="no_proven_loss rejects a loss that is proven; no_possible_loss rejects a loss "
        "that the test pictures cannot rule out",
    )
    against: list[Literal["serving", "best"]] = Field(
        [SERVING, BEST],
        min_length=1,
        description="versions to compare with: the serving one in every domain and class, and the "
        "one that was best in a domain; best alone leaves out the classes",
    )

    slices: tuple[SliceNames, ...] = Field(
        (),
        description="slices whose accuracy may lose at most max_drop against the serving model; "
        "they must be in `slices`",
    )

    metrics: MetricLimits = MetricLimits()
    precision: float = Field(
        0.95,
        gt=0,
        le=1,
        description="precision of the predictions that metrics.recall_at_precision keeps",
    )

    @property
    def error_rate(self) -> float:
        """Probability that any gate of a loss rejects a candidate that lost nothing."""
        return (1 - self.confidence) / 2
