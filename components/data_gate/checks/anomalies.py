"""What ExampleValidator says of the examples, in words."""

from collections import defaultdict

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.io import fileio

from components.data_gate.findings import Finding, Severity
from components.data_gate.wording import listed, quoted
from trainer_module.contract import example_features

FILE = "SchemaDiff.pb"

_WARNING = anomalies_pb2.AnomalyInfo.WARNING


def anomaly_findings(anomalies_uri: str) -> list[Finding]:
    """Features that are not what the schema says, one finding each, and splits without pictures.

    Args:
        anomalies_uri: of ExampleValidator's `anomalies` artifact.
    """
    splits = {
        split: _read(f"{anomalies_uri}/Split-{split}/{FILE}") for split in example_features.SPLITS
    }
    found: dict[tuple[str, Severity], list[str]] = defaultdict(list)
    for split, anomalies in splits.items():
        for feature, anomaly in anomalies.anomaly_info.items():
            severity: Severity = "warning" if anomaly.severity == _WARNING else "error"
            words = f"{anomaly.short_description.lower()} in {split} ({anomaly.description})"
            found[feature, severity].append(words)
    empty = [split for split, anomalies in splits.items() if anomalies.data_missing]
    findings = [
        Finding(
            kind="schema", severity=severity, text=f"feature {quoted(feature)}: {listed(words)}"
        )
        for (feature, severity), words in sorted(found.items())
    ]
    if empty:
        text = f"no pictures in {listed(empty)}. Add pictures, or enlarge the shares in split"
        findings.append(Finding(kind="empty_split", severity="error", text=text))
    return findings


def _read(path: str) -> anomalies_pb2.Anomalies:
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
