"""Turns what is known of the data into findings, and stops the run where they are bad."""

import json
import logging
from typing import Any

from pydantic import TypeAdapter
from tfx.dsl.components.base import base_executor
from tfx.types import artifact, artifact_utils
from tfx.utils import io_utils, path_utils

from components.data_gate.checks.anomalies import anomaly_findings
from components.data_gate.checks.changes import change_findings
from components.data_gate.checks.coverage import class_findings, domain_findings
from components.data_gate.checks.drift import (
    balance_findings,
    drift_findings,
    shift_findings,
    skew_findings,
    too_few_findings,
)
from components.data_gate.checks.duplicates import (
    LOOKALIKES,
    duplicate_findings,
    find_duplicates,
    write_pairs,
)
from components.data_gate.checks.formats import format_findings
from components.data_gate.checks.names import name_findings
from components.data_gate.checks.reject_share import reject_findings
from components.data_gate.findings import Finding
from components.data_gate.statistics.baseline_statistics import read_baseline_statistics
from components.data_gate.statistics.counts import Counts, count
from components.data_gate.statistics.split_statistics import SplitStatistics, read_split
from components.data_gate.stopping import (
    StoppedByDataError,
    most_severe_first,
    stop_message,
    stopping_findings,
)
from components.data_gate.validation_options import ValidationOptions
from components.image_example_gen.inventory import read_inventory
from trainer_module.contract import example_features

logger = logging.getLogger(__name__)  # into the log: the runner shows the findings

FINDINGS = "findings.json"

LEVELS = {"information": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_FINDINGS = TypeAdapter(list[Finding])


class DataGateExecutor(base_executor.BaseExecutor):
    """Writes the findings, logs them, and fails on those that stop a run."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`.

        Raises:
            StoppedByDataError: a finding is as severe as `validation.stop_at` says.
        """
        options = ValidationOptions.model_validate_json(exec_properties["validation"])
        empty_folders = [tuple(pair) for pair in json.loads(exec_properties["empty_classes"])]
        uris = {name: artifact_utils.get_single_uri(found) for name, found in input_dict.items()}
        folder = artifact_utils.get_single_uri(output_dict["findings"])

        duplicates = find_duplicates(uris["catalog"])
        findings = most_severe_first(
            [*_findings(uris, empty_folders, options), *duplicate_findings(duplicates)]
        )
        write_findings(findings, folder)
        write_pairs(duplicates, f"{folder}/{LOOKALIKES}")
        for finding in findings:
            logger.log(LEVELS[finding.severity], "%s: %s", finding.kind, finding.text)
        stopping = stopping_findings(findings, options)
        if stopping:
            raise StoppedByDataError(stop_message(stopping, options), findings, duplicates)


def _findings(
    uris: dict[str, str], empty_folders: list[tuple[str, str]], options: ValidationOptions
) -> list[Finding]:
    """All findings but those about duplicates; inputs by their names in the component."""
    counts = count(read_inventory(uris["rejects"]))
    splits = {split: read_split(uris["statistics"], split) for split in example_features.SPLITS}
    findings = [
        *anomaly_findings(uris["anomalies"]),
        *reject_findings(counts, options.max_rejected),
        *domain_findings(counts),
        *class_findings(counts, empty_folders),
        *format_findings(uris["catalog"]),
    ]
    then = None
    if "baseline_model" in uris:
        then = read_baseline_statistics(path_utils.serving_model_path(uris["baseline_model"]))
        if then is None:
            text = "the model that serves came without training statistics to compare the data with"
            findings.append(
                Finding(kind="no_baseline_statistics", severity="information", text=text)
            )
    return [
        *findings,
        *_name_findings(counts, empty_folders, then),
        *_comparisons(counts, splits, then, options.max_drift),
    ]


def _name_findings(
    counts: Counts, empty_folders: list[tuple[str, str]], then: SplitStatistics | None
) -> list[Finding]:
    """Names that are alike, among those of now and those that the serving model knows."""
    pairs = counts.pairs | counts.rejected_pairs | set(empty_folders)
    known = (then.domains, then.overall.classes) if then else ((), ())
    return [
        *name_findings("domain", [*(domain for domain, _ in pairs), *known[0]]),
        *name_findings("class", [*(name for _, name in pairs), *known[1]]),
    ]


def _comparisons(
    counts: Counts, splits: dict[str, SplitStatistics], then: SplitStatistics | None, limit: float
) -> list[Finding]:
    """Training pictures against those of the serving model, of other splits and other domains."""
    train = splits["train"]
    others = {name: statistics for name, statistics in splits.items() if name != "train"}
    new_domains = train.domains.keys() - then.domains.keys() if then else set()
    against_then = (
        [
            *change_findings(counts, train, then, limit),
            *drift_findings(train, then, limit),
            *balance_findings(train, then, limit),
        ]
        if then
        else []
    )
    return [
        *against_then,
        *skew_findings(train, others, limit),
        *shift_findings(train, new_domains, limit),
        *too_few_findings(train, others, then, limit),
    ]


def write_findings(findings: list[Finding], folder: str) -> None:
    """Write findings to a folder or URI, for `read_findings`."""
    text = _FINDINGS.dump_json(findings, indent=1).decode()
    io_utils.write_string_file(f"{folder}/{FINDINGS}", text)


def read_findings(findings_uri: str) -> list[Finding]:
    """Findings of a gate that let the run pass, the most severe first.

    Args:
        findings_uri: of the `findings` artifact.
    """
    return _FINDINGS.validate_json(io_utils.read_string_file(f"{findings_uri}/{FINDINGS}"))
