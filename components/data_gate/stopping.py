"""Whether findings stop a run. Importable without TensorFlow."""

from typing import TYPE_CHECKING

from components.data_gate.findings import SEVERITIES, Finding
from components.data_gate.validation_options import ValidationOptions
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from components.data_gate.checks.duplicates import Duplicates


class StoppedByDataError(InputError):
    """The data stop the run.

    TFX removes what a component that fails has written, so the error carries it.

    Attributes:
        findings: all of them, the most severe first.
        duplicates: pictures that are there more than once.
    """

    def __init__(self, message: str, findings: list[Finding], duplicates: "Duplicates") -> None:
        super().__init__(message)
        self.findings = findings
        self.duplicates = duplicates


def most_severe_first(findings: list[Finding]) -> list[Finding]:
    """Sort findings; those of one severity stay in their order."""
    return sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))


def stopping_findings(findings: list[Finding], options: ValidationOptions) -> list[Finding]:
    """Those that stop the run, the most severe first."""
    if options.stop_at == "never":
        return []
    stopping = SEVERITIES[SEVERITIES.index(options.stop_at) :]
    return [
        finding
        for finding in most_severe_first(findings)
        if finding.severity in stopping and finding.kind not in options.allow
    ]


def stop_message(stopping: list[Finding], options: ValidationOptions) -> str:
    """One line: the worst of it, how much more there is, and how to let all of it pass."""
    first, *others = stopping
    more = f" (and {len(others)} more)" if others else ""
    kinds = ",".join(dict.fromkeys([*options.allow, *(finding.kind for finding in stopping)]))
    text = first.text.rstrip(".")
    return f"{text}{more}. To go on all the same: --set validation.allow=[{kinds}]"
