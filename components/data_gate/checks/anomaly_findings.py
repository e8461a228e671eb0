"""Findings from the anomalies of ExampleValidator."""

from collections import defaultdict

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.io import fileio

from components.data_gate.findings import Finding, Severity
from trainer_module.contract import example_features
from trainer_module.contract.output_text.wording import listed, quoted

#: File of the anomalies of one split.
ANOMALIES_FILE = "SchemaDiff.pb"

_WARNING = anomalies_pb2.AnomalyInfo.WARNING


def anomaly_findings(anomalies_uri: str) -> list[Finding]:
    """Return a finding for each feature that does not match the schema, and for empty splits.

    Args:
        anomalies_uri: URI of ExampleValidator's `anomalies` artifact.
    """
    splits = {
        split: _read(f"{anomalies_uri}/Split-{split}/{ANOMALIES_FILE}")
        for split in example_features.SPLITS
    }
    described: dict[tuple[str, Severity], list[str]] = defaultdict(list)
    for split, anomalies in splits.items():
        for feature, anomaly in anomalies.anomaly_info.items():
            severity: Severity = "warning" if anomaly.severity == _WARNING else "error"
            text = f"{anomaly.short_description.lower()} in {split} ({anomaly.description})"
            described[feature, severity].append(text)
    empty = [split for split, anomalies in splits.items() if anomalies.data_missing]
    findings = [
        Finding(
            kind="schema",
            severity=severity,
            text=f"Feature {quoted(feature)} does not match the schema: {listed(texts)}.",
        )
        for (feature, severity), texts in sorted(described.items())
    ]
    if empty:
        text = (
            f"There are no pictures in {listed(empty)}. Add pictures, or enlarge the shares in "
            "the option split."
        )
        findings.append(Finding(kind="empty_split", severity="error", text=text))
    return findings


def _read(path: str) -> anomalies_pb2.Anomalies:
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
