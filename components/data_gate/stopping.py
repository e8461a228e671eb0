"""Which findings stop a run. Importable without TensorFlow."""

from typing import TYPE_CHECKING

from components.data_gate.findings import SEVERITIES, Finding
from components.data_gate.validation_options import ValidationOptions
from trainer_module.contract.errors import DataError

if TYPE_CHECKING:
    from components.data_gate.checks.duplicates import Duplicates


class StoppedByDataError(DataError):
    """The run stops because of its data.

    TFX removes the outputs of a component that fails, so the error carries them.

    Attributes:
        findings: All findings, the most severe first.
        duplicates: Copies and lookalikes in the data.
    """

    def __init__(self, message: str, findings: list[Finding], duplicates: "Duplicates") -> None:
        super().__init__(message)
        self.findings = findings
        self.duplicates = duplicates


def most_severe_first(findings: list[Finding]) -> list[Finding]:
    """Return findings in order of severity; those of one severity stay in their order."""
    return sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))


def stopping_findings(findings: list[Finding], options: ValidationOptions) -> list[Finding]:
    """Return the findings that stop the run, the most severe first.

    Args:
        findings: All findings, in any order.
        options: Severities that stop the run, and kinds that are allowed.
    """
    if options.stop_at == "never":
        return []
    stopping = SEVERITIES[SEVERITIES.index(options.stop_at) :]
    return [
        finding
        for finding in most_severe_first(findings)
        if finding.severity in stopping and finding.kind not in options.allow
    ]


def stop_message(stopping: list[Finding], options: ValidationOptions) -> str:
    """Return one line: the worst finding, the number of others, and how to continue anyway.

    Args:
        stopping: At least one finding, as `stopping_findings` returns them.
        options: Kinds that are allowed already.
    """
    first, *others = stopping
    more = f" (and {len(others)} more)" if others else ""
    kinds = ",".join(dict.fromkeys([*options.allow, *(finding.kind for finding in stopping)]))
    text = first.text.rstrip(".")
    return f"{text}{more}. To continue anyway: --set validation.allow=[{kinds}]"
