"""What the gate compared, slice by slice, and what it found: `gate.json`."""

from pydantic import BaseModel

#: File in the Evaluator's `evaluation` artifact.
FILE = "gate.json"


class GateRow(BaseModel):
    """Comparison of the candidate with an earlier version, in a domain or in a class of a domain.

    Attributes:
        domain: Name of the domain.
        label: Name of the class; null for the whole domain.
        version: Version that the candidate was compared with; 0 where there is none.
        is_new: Whether the baseline was not trained on the domain.
        pictures: Number of test pictures that both have predictions for.
        before: Accuracy or recall of the earlier version; null where there is none.
        after: Accuracy or recall of the candidate.
        change_low: Lower end of the confidence interval of the change.
        change_high: Upper end of that interval.
        p_value: P-value of a loss, or of a gain in a new domain.
        limit: Largest loss that is allowed; for a new domain, the largest p-value.
        passed: Whether the gate passed.
        detectable_loss: Smallest loss that this gate notices with a probability of 0.8.
        needed_pictures: Number of test pictures with which it would notice a loss of `limit`.
    """

    domain: str
    label: str | None = None
    version: int = 0
    is_new: bool = False
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


class GateTable(BaseModel):
    """All comparisons of one evaluation.

    Attributes:
        level: Level of every test for a loss, see `multiple_tests.common_level`.
        num_tests: Number of these tests.
        rows: Comparisons: of the domains with the serving version, of the domains with the version
            that was best in them, and of the classes with the serving version. With
            `gate.class_min_recall`, the classes that are compared with no version follow.
    """

    level: float
    num_tests: int
    rows: list[GateRow]

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
