"""Executor of DataGate: collects the findings, writes them, and stops the run if they are bad."""

import json
import logging
from typing import Any

from pydantic import TypeAdapter
from tfx.dsl.components.base import base_executor
from tfx.types import artifact, artifact_utils

from components.compat.tfx_internals import (
    read_string_file,
    serving_model_path,
    write_string_file,
)
from components.data_gate.checks.anomaly_findings import anomaly_findings
from components.data_gate.checks.change_findings import change_findings
from components.data_gate.checks.coverage_findings import class_findings, domain_findings
from components.data_gate.checks.drift_findings import (
    balance_findings,
    drift_findings,
    shift_findings,
    skew_findings,
    too_few_findings,
)
from components.data_gate.checks.duplicate_findings import duplicate_findings
from components.data_gate.checks.duplicates import LOOKALIKES, find_duplicates, write_pairs
from components.data_gate.checks.name_findings import name_findings
from components.data_gate.checks.picture_findings import picture_findings
from components.data_gate.checks.reject_findings import reject_findings
from components.data_gate.checks.shortcut_findings import shortcut_findings
from components.data_gate.checks.split_findings import split_findings
from components.data_gate.findings import Finding
from components.data_gate.statistics.baseline_statistics import read_baseline_statistics
from components.data_gate.statistics.counts import Counts, count_pictures
from components.data_gate.statistics.known_names import KnownNames, read_known_names
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

logger = logging.getLogger(__name__)  # for the log file: the runner prints the findings

#: File of the findings in the artifact.
FINDINGS = "findings.json"

LOG_LEVELS = {"information": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_FINDINGS = TypeAdapter(list[Finding])


class DataGateExecutor(base_executor.BaseExecutor):
    """Writes and logs the findings, and fails if one of them stops the run."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`.

        Raises:
            StoppedByDataError: A finding is as severe as `validation.stop_at`, and not allowed.
        """
        options = ValidationOptions.model_validate_json(exec_properties["validation"])
        empty_folders = [tuple(pair) for pair in json.loads(exec_properties["empty_classes"])]
        unverified = json.loads(exec_properties["unverified_domains"])
        uris = {
            name: artifact_utils.get_single_uri(artifacts) for name, artifacts in input_dict.items()
        }
        folder = artifact_utils.get_single_uri(output_dict["findings"])

        duplicates = find_duplicates(uris["catalog"])
        findings = most_severe_first(
            [
                *_collect_findings(uris, empty_folders, options, unverified),
                *duplicate_findings(duplicates),
            ]
        )
        write_findings(findings, folder)
        write_pairs(duplicates, f"{folder}/{LOOKALIKES}")
        for finding in findings:
            logger.log(LOG_LEVELS[finding.severity], "%s: %s", finding.kind, finding.text)
        stopping = stopping_findings(findings, options)
        if stopping:
            raise StoppedByDataError(stop_message(stopping, options), findings, duplicates)


def _collect_findings(
    uris: dict[str, str],
    empty_folders: list[tuple[str, str]],
    options: ValidationOptions,
    unverified: list[str],
) -> list[Finding]:
    """All findings but those about duplicates.

    Args:
        uris: Name of an input -> URI of its artifact.
        empty_folders: Domain and class of each folder that holds no files.
        options: Limits.
        unverified: Domains in which no picture has a label.
    """
    counts = count_pictures(read_inventory(uris["rejects"]))
    splits = {split: read_split(uris["statistics"], split) for split in example_features.SPLITS}
    findings = [
        *anomaly_findings(uris["anomalies"]),
        *reject_findings(counts, options.max_rejected),
        *domain_findings(counts, unverified),
        *class_findings(counts, empty_folders),
        *picture_findings(uris["catalog"]),
        *shortcut_findings(uris["catalog"]),
    ]
    model = serving_model_path(uris["baseline_model"]) if "baseline_model" in uris else None
    findings += split_findings(uris["catalog"], model)
    baseline, known = None, KnownNames(frozenset(), frozenset())
    if model is not None:
        baseline, known = read_baseline_statistics(model), read_known_names(model)
        if baseline is None:
            text = "The serving model has no training statistics to compare the data with."
            findings.append(
                Finding(kind="no_baseline_statistics", severity="information", text=text)
            )
    return [
        *findings,
        *_find_similar_names(counts, empty_folders, known),
        *_compare(counts, splits, baseline, known, options.max_drift),
    ]


def _find_similar_names(
    counts: Counts, empty_folders: list[tuple[str, str]], known: KnownNames
) -> list[Finding]:
    """Similar names among those of this run and those that the serving model knows."""
    pairs = counts.pairs | counts.rejected_pairs | set(empty_folders)
    return [
        *name_findings("domain", [*(domain for domain, _ in pairs), *known.domains]),
        *name_findings("class", [*(name for _, name in pairs), *known.classes]),
    ]


def _compare(
    counts: Counts,
    splits: dict[str, SplitStatistics],
    baseline: SplitStatistics | None,
    known: KnownNames,
    limit: float,
) -> list[Finding]:
    """Compare the training split with the baseline's, with other splits, and domain by domain."""
    train = splits["train"]
    others = {name: statistics for name, statistics in splits.items() if name != "train"}
    new_domains = train.domains.keys() - known.domains if baseline else set()
    against_baseline = (
        [
            *change_findings(counts, train, baseline, known, limit),
            *drift_findings(train, baseline, limit),
            *balance_findings(train, baseline, limit),
        ]
        if baseline
        else []
    )
    return [
        *against_baseline,
        *skew_findings(train, others, limit),
        *shift_findings(train, new_domains, limit),
        *too_few_findings(train, others, baseline, limit),
    ]


def write_findings(findings: list[Finding], folder: str) -> None:
    """Write findings to a folder, for `read_findings`.

    Args:
        findings: Findings, the most severe first.
        folder: Path or URI.
    """
    text = _FINDINGS.dump_json(findings, indent=1).decode()
    write_string_file(f"{folder}/{FINDINGS}", text)


def read_findings(findings_uri: str) -> list[Finding]:
    """Return the findings of a gate that did not stop the run, the most severe first.

    Args:
        findings_uri: URI of the `findings` artifact.
    """
    return _FINDINGS.validate_json(read_string_file(f"{findings_uri}/{FINDINGS}"))
