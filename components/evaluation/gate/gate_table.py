"""What the gate compared, slice by slice, and what it found: `gate.json`."""

from pydantic import BaseModel

from components.evaluation.statistics.weighted_metric import LOWER_IS_BETTER

#: File in the Evaluator's `evaluation` artifact.
FILE = "gate.json"

#: Metric of the rows that are not of `gate.metrics`.
ACCURACY = "accuracy"


class PairedRow(BaseModel):
    """Comparison of the candidate with an earlier version on the same test pictures.

    Attributes:
        version: Version that the candidate was compared with; 0 where there is none.
        pictures: Number of test pictures that are compared, see `tested_pictures.correctness`.
        before: Metric of the earlier version; null where there is none.
        after: Metric of the candidate.
        change_low: Lower end of the confidence interval of the change.
        change_high: Upper end of that interval.
        p_value: P-value of a loss, or of a gain in a new domain.
        limit: Largest loss that is allowed; for a new domain, the largest p-value.
        passed: Whether the gate passed.
        detectable_loss: Smallest loss that this gate notices with a probability of 0.8.
        needed_pictures: Number of test pictures with which it would notice a loss of `limit`.
    """

    version: int = 0
    pictures: int
    before: float | None = None
    after: float
    change_low: float | None = None
    change_high: float | None = None
    p_value: float | None = None
    limit: float | None = None
    passed: bool = True
    detectable_loss: float | None = None
    needed_pictures: int | None = None


class GateRow(PairedRow):
    """Comparison in a domain, or in a class of a domain.

    Attributes:
        domain: Name of the domain.
        label: Name of the class; null for the whole domain.
        metric: Metric that was compared: `accuracy`, which is the recall of a class, or a key of
            `gate.metrics`.
        is_new: Whether the baseline was not trained on the domain.
    """

    domain: str
    label: str | None = None
    metric: str = ACCURACY
    is_new: bool = False

    @property
    def possible_loss(self) -> float | None:
        """Largest loss within the interval of the change; None without an interval."""
        if self.change_low is None or self.change_high is None:
            return None
        return self.change_high if self.metric in LOWER_IS_BETTER else -self.change_low


class SliceRow(PairedRow):
    """Comparison of the accuracy in a slice, with the serving version.

    Attributes:
        values: Column -> value, such as `{"domain": "ward", "scanner": "B"}`.
    """

    values: dict[str, str]


class GateTable(BaseModel):
    """All comparisons of one evaluation.

    Attributes:
        level: Level of every test for a loss, see `multiple_tests.common_level`.
        num_tests: Number of these tests.
        cross_fitted: Domain -> number of its pictures that are cross-fitted, where there are any.
        accuracies: Domain -> accuracy of the candidate on all of its test pictures, also on those
            that are not compared; empty in the tables of earlier versions of carryover.
        rows: Comparisons: of the domains with the serving version, of the domains with the version
            that was best in them, and of the classes with the serving version. With
            `gate.class_min_recall`, the classes that are compared with no version follow, and then
            the metrics in `gate.metrics` of the domains.
        slices: Comparisons of further slices, with the serving version. A slice that is not gated
            has no limit.
        without_value: Number of test pictures without a value, by column of a slice.
    """

    level: float
    num_tests: int
    cross_fitted: dict[str, int] = {}
    accuracies: dict[str, float] = {}
    rows: list[GateRow]
    slices: list[SliceRow] = []
    without_value: dict[str, int] = {}

    def is_proven(self, row: PairedRow) -> bool:
        """Return whether a loss is proven, with all tests taken into account.

        Args:
            row: Row of a domain that is not new, or of another slice.
        """
        return row.p_value is not None and row.p_value <= self.level

    @property
    def metric_rows(self) -> list[GateRow]:
        """Rows of the metrics in `gate.metrics`."""
        return [row for row in self.rows if row.metric != ACCURACY]

    def write(self, evaluation_uri: str) -> None:
        """Write the table into the `evaluation` artifact."""
        from tfx.dsl.io import fileio

        with fileio.open(f"{evaluation_uri}/{FILE}", "w") as file:
            file.write(self.model_dump_json(indent=1) + "\n")


def read_gate_table(evaluation_uri: str) -> GateTable | None:
    """Read the table of an evaluation; None for one that was made before tables were kept.

    Args:
        evaluation_uri: URI of the Evaluator's `evaluation` artifact.
    """
    from tfx.dsl.io import fileio

    path = f"{evaluation_uri}/{FILE}"
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return GateTable.model_validate_json(file.read())
