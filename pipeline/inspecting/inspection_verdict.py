"""What the data gate would do with inspected data: with all data of a run, or with a batch."""

from dataclasses import dataclass

from components.data_gate.findings import Finding
from components.data_gate.stopping import stopping_findings
from components.data_gate.validation_options import ValidationOptions

#: Findings that take the data for a batch: they lack domains or classes of the serving model.
OF_BATCHES = ("vanished_class", "vanished_domain")

#: Findings about what a batch lacks, and the replay set of its retraining has.
FILLED_BY_REPLAY = (*OF_BATCHES, "empty_split", "one_class")


@dataclass(frozen=True)
class InspectionVerdict:
    """Verdict on inspected data.

    Attributes:
        findings: Findings; those about what a batch lacks are information.
        stops: Whether the data gate would stop a run, or a retraining on a batch.
        sentences: The verdict for people.
    """

    findings: list[Finding]
    stops: bool
    sentences: list[str]


def judge_findings(findings: list[Finding], options: ValidationOptions) -> InspectionVerdict:
    """Judge data by the findings of the data gate.

    Data that lack domains or classes of the serving model are taken for a batch.

    Args:
        findings: All findings.
        options: Severities that stop a run, and kinds that are allowed.
    """
    kinds = [finding.kind for finding in stopping_findings(findings, options)]
    if not set(kinds) & set(OF_BATCHES):
        verdict = f"would stop at this: {kinds[0]}" if kinds else "would train"
        return InspectionVerdict(findings, bool(kinds), [f"carryover run {verdict}."])
    stopping = [kind for kind in kinds if kind not in FILLED_BY_REPLAY]
    verdict = f"would stop at this: {stopping[0]}" if stopping else "would not stop at anything"
    return InspectionVerdict(
        [_as_in_batch(finding) for finding in findings],
        bool(stopping),
        [
            "The pictures lack domains or classes of the serving model, as a batch may. They are "
            "compared only where the serving model has such pictures, too.",
            f"As a batch: carryover retrain {verdict}.",
            f"As all pictures: carryover run would stop at this: {kinds[0]}.",
        ],
    )


def _as_in_batch(finding: Finding) -> Finding:
    if finding.kind not in FILLED_BY_REPLAY:
        return finding
    return finding.model_copy(update={"severity": "information"})
