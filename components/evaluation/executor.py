"""Predicts the test split, compares the candidate with earlier versions, and lets TFMA validate."""

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import tensorflow_model_analysis as tfma
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact, artifact_utils

from components.compat.tfx_internals import bless_model, make_beam_pipeline, serving_model_path
from components.evaluation.gate.comparison import compare
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateTable
from components.evaluation.gate.slice_names import slice_columns
from components.evaluation.gate.tested_pictures import TestedPictures, correctness
from components.evaluation.predictions.prediction_files import (
    CROSS_FITTED,
    FOLDER,
    OF_BASELINE,
    PREDICTED,
    SLICES,
    read_predictions,
    text_array,
)
from components.evaluation.predictions.score_pairs import read_score_pairs
from components.evaluation.predictions.slice_values import slice_value_arrays
from components.evaluation.predictions.split_prediction import PredictChunk
from components.evaluation.predictions.stored_predictions import (
    find_predicted,
    read_known_labels,
    read_stored,
)
from components.evaluation.tfma.eval_config import create_eval_config
from components.evaluation.tfma.evaluation_results import find_reasons
from components.evaluation.tfma.gated_metric import gate_values
from components.evaluation.tfma.prediction_batches import ReadBatch
from components.image_example_gen.catalog import catalog_suffixes
from trainer_module.contract import example_features

#: Its messages are in the log. The summary of the run tells them to the user.
verdict_logger = logging.getLogger("carryover.verdict")


class EvaluatorExecutor(base_beam_executor.BaseBeamExecutor):
    """Writes the predictions, the gate table, the results of TFMA, and the blessing."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`."""
        uris = {
            name: artifact_utils.get_single_uri(artifacts)
            for name, artifacts in input_dict.items()
            if artifacts
        }
        evaluation = artifact_utils.get_single_uri(output_dict["evaluation"])
        gate = GateOptions.model_validate_json(exec_properties["gate"])
        serving = exec_properties["baseline_version"]
        suffixes = catalog_suffixes(uris["catalog"])

        self._predict(uris, evaluation, suffixes, exec_properties["slice_values"])
        baseline = uris.get("baseline_model")
        labels = read_known_labels(Path(serving_model_path(baseline))) if baseline else None
        table = _compare(evaluation, gate, exec_properties, labels)
        table.write(evaluation)
        domains = json.loads(exec_properties["domains"])
        slices = _slices(exec_properties)
        config = create_eval_config(domains, gate, table, serving, slices)
        best = {row.domain: row.version for row in table.rows if row.version not in (0, serving)}
        earlier = _folders(exec_properties)
        read = ReadBatch(
            evaluation,
            {domain: earlier[version] for domain, version in best.items()},
            json.loads(exec_properties["known_domains"]),
            slice_columns(slices),
            gate_values(table, gate),
            labels,
        )
        with make_beam_pipeline(self) as pipeline:
            _ = (
                pipeline
                | "Chunks" >> beam.Create(suffixes)
                | "Read" >> beam.ParDo(read)
                | "Evaluate"
                >> tfma.ExtractEvaluateAndWriteResults(eval_config=config, output_path=evaluation)
            )
        result = tfma.load_validation_result(evaluation)
        reasons = find_reasons(result, table, gate)
        for reason in reasons:
            verdict_logger.warning("%s", reason)
        bless_model(
            artifact_utils.get_single_instance(output_dict["blessing"]),
            artifact_utils.get_single_instance(input_dict["model"]),
            next(iter(input_dict.get("baseline_model", [])), None),
            is_blessed=result.validation_ok,
        )

    def _predict(
        self, uris: dict[str, str], evaluation: str, suffixes: list[str], slice_values: str
    ) -> None:
        fileio.makedirs(f"{evaluation}/{FOLDER}")
        baseline = uris.get("baseline_model")
        predict = PredictChunk(
            serving_model_path(uris["model"]),
            serving_model_path(baseline) if baseline else None,
            uris["examples"],
            uris["catalog"],
            evaluation,
            slice_values,
        )
        with make_beam_pipeline(self) as pipeline:
            _ = pipeline | "Chunks" >> beam.Create(suffixes) | "Predict" >> beam.ParDo(predict)


def _folders(properties: dict[str, Any]) -> dict[int, Path]:
    folders = json.loads(properties["earlier_versions"])
    return {int(version): Path(folder) for version, folder in folders.items()}


def _slices(properties: dict[str, Any]) -> list[tuple[str, ...]]:
    return [tuple(names) for names in json.loads(properties["slices"])]


def _compare(
    evaluation: str,
    gate: GateOptions,
    properties: dict[str, Any],
    baseline_labels: frozenset[str] | None,
) -> GateTable:
    """Return what the gate finds in the predictions that were written."""
    table = read_predictions(evaluation)
    labels = text_array(table[example_features.LABEL])
    contents = table["content"].combine_chunks()
    serving = properties["baseline_version"]
    earlier: dict[int, npt.NDArray[np.int8]] = {}
    if serving:
        predicted = text_array(table[f"{OF_BASELINE}{PREDICTED}"])
        earlier[serving] = correctness(predicted, labels, baseline_labels)
    for version, folder in _folders(properties).items():
        predicted = find_predicted(read_stored(folder), contents)
        earlier[version] = correctness(predicted, labels, read_known_labels(folder))
    slices = _slices(properties)
    values = slice_value_arrays(table[SLICES].to_pylist(), slice_columns(slices))
    split = TestedPictures(
        domains=text_array(table[example_features.DOMAIN]),
        labels=labels,
        correct=text_array(table[PREDICTED]) == labels,
        earlier=earlier,
        values=values,
        scores=(
            read_score_pairs(table, baseline_labels) if serving and gate.metrics.gated else None
        ),
    )
    gate_table = compare(split, gate, serving, json.loads(properties["known_domains"]), slices)
    cross_fitted = Counter(split.domains[table[CROSS_FITTED].to_numpy().astype(bool)])
    return gate_table.model_copy(update={"cross_fitted": dict(sorted(cross_fitted.items()))})
