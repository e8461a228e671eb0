"""Predicts the test split, compares the candidate with earlier versions, and lets TFMA validate."""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow_model_analysis as tfma
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact, artifact_utils

from components.compat.tfx_internals import bless_model, make_beam_pipeline, serving_model_path
from components.evaluation.gate.comparison import UNKNOWN, TestSplit, compare
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateTable
from components.evaluation.predictions.prediction_files import (
    FOLDER,
    OF_BASELINE,
    PREDICTED,
    read_part,
    read_predictions,
)
from components.evaluation.predictions.split_prediction import PredictChunk
from components.evaluation.predictions.stored_predictions import find_predicted, read_stored
from components.evaluation.tfma.eval_config import (
    BASELINE,
    BEST,
    correct_column,
    create_eval_config,
)
from components.evaluation.tfma.evaluation_results import read_reasons
from components.image_example_gen.catalog import catalog_suffixes
from trainer_module.contract import example_features

logger = logging.getLogger("carryover.evaluation")


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

        self._predict(uris, evaluation, suffixes)
        table = _compare(evaluation, gate, exec_properties)
        table.write(evaluation)
        config = create_eval_config(json.loads(exec_properties["domains"]), gate, table, serving)
        best = {row.domain: row.version for row in table.rows if row.version not in (0, serving)}
        earlier = _folders(exec_properties)
        with make_beam_pipeline(self) as pipeline:
            _ = (
                pipeline
                | "Chunks" >> beam.Create(suffixes)
                | "Read" >> beam.Map(partial(_read_batch, evaluation, best, earlier))
                | "Evaluate"
                >> tfma.ExtractEvaluateAndWriteResults(eval_config=config, output_path=evaluation)
            )
        reasons = read_reasons(evaluation, gate)
        for reason in reasons:
            logger.warning("%s", reason)
        bless_model(
            artifact_utils.get_single_instance(output_dict["blessing"]),
            artifact_utils.get_single_instance(input_dict["model"]),
            next(iter(input_dict.get("baseline_model", [])), None),
            is_blessed=tfma.load_validation_result(evaluation).validation_ok,
        )

    def _predict(self, uris: dict[str, str], evaluation: str, suffixes: list[str]) -> None:
        fileio.makedirs(f"{evaluation}/{FOLDER}")
        baseline = uris.get("baseline_model")
        predict = PredictChunk(
            serving_model_path(uris["model"]),
            serving_model_path(baseline) if baseline else None,
            uris["examples"],
            uris["catalog"],
            evaluation,
        )
        with make_beam_pipeline(self) as pipeline:
            _ = pipeline | "Chunks" >> beam.Create(suffixes) | "Predict" >> beam.ParDo(predict)


def _folders(properties: dict[str, Any]) -> dict[int, Path]:
    folders = json.loads(properties["earlier_versions"])
    return {int(version): Path(folder) for version, folder in folders.items()}


def _compare(evaluation: str, gate: GateOptions, properties: dict[str, Any]) -> GateTable:
    """Return what the gate finds in the predictions that were written."""
    table = read_predictions(evaluation)
    labels = _texts(table[example_features.LABEL])
    contents = table["content"].combine_chunks()
    serving = properties["baseline_version"]
    earlier: dict[int, npt.NDArray[np.int8]] = {}
    if serving:
        earlier[serving] = _correct(_texts(table[f"{OF_BASELINE}{PREDICTED}"]), labels)
    for version, folder in _folders(properties).items():
        earlier[version] = _correct(find_predicted(read_stored(folder), contents), labels)
    split = TestSplit(
        domains=_texts(table[example_features.DOMAIN]),
        labels=labels,
        correct=_texts(table[PREDICTED]) == labels,
        earlier=earlier,
    )
    return compare(split, gate, serving, json.loads(properties["known_domains"]))


def _texts(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    return np.array(column.to_pylist(), object)


def _correct(
    predicted: npt.NDArray[np.object_], labels: npt.NDArray[np.object_]
) -> npt.NDArray[np.int8]:
    """Return 1 where a version is correct, 0 where it is wrong, `UNKNOWN` without a prediction."""
    known = np.array([one is not None for one in predicted], bool)
    return np.where(known, predicted == labels, UNKNOWN).astype(np.int8)


def _read_batch(
    evaluation: str, best: dict[str, int], earlier: dict[int, Path], suffix: str
) -> pa.RecordBatch:
    """Return the predictions of one chunk as TFMA reads them: lists of one value each.

    Args:
        evaluation: URI of the `evaluation` artifact.
        best: Domain -> version that was best in it.
        earlier: Version -> folder.
        suffix: Suffix of the chunk.
    """
    table = read_part(evaluation, suffix)
    labels, domains = (
        _texts(table[name]) for name in (example_features.LABEL, example_features.DOMAIN)
    )
    columns = {
        name: pa.array([[text.encode()] for text in values], pa.list_(pa.binary()))
        for name, values in (
            (example_features.LABEL, labels),
            (example_features.DOMAIN, domains),
        )
    }
    columns[example_features.LABEL_ID] = _lists(table[example_features.LABEL_ID].to_numpy())
    columns[example_features.PROBABILITIES] = table[example_features.PROBABILITIES].combine_chunks()
    of_baseline = _correct(_texts(table[f"{OF_BASELINE}{PREDICTED}"]), labels)
    columns[correct_column(BASELINE)] = _lists(of_baseline.astype(np.float32))
    of_best = np.full(len(labels), UNKNOWN, np.int8)
    contents = table["content"].combine_chunks()
    for version in set(best.values()):
        own = np.array([best.get(domain) == version for domain in domains], bool)
        found = find_predicted(read_stored(earlier[version]), contents)
        of_best[own] = _correct(found, labels)[own]
    columns[correct_column(BEST)] = _lists(of_best.astype(np.float32))
    return pa.RecordBatch.from_pydict(columns)


def _lists(values: npt.NDArray[Any]) -> pa.Array:
    return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32), pa.array(values))
