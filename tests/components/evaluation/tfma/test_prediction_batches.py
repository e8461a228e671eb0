"""Chunks of a real evaluation, as TFMA takes them."""

from pathlib import Path

import pyarrow as pa
import pytest
from tiny_evaluation import EMPTY_SUFFIX, SUFFIX, digest_of

from components.evaluation.gate.slice_names import EVALUATOR_COLUMNS
from components.evaluation.predictions.stored_predictions import SCHEMA
from components.evaluation.tfma import prediction_batches
from components.evaluation.tfma.gated_metric import GATE_COLUMN
from components.evaluation.tfma.prediction_batches import ReadBatch
from trainer_module.contract import example_features

pytestmark = pytest.mark.component


def read(
    evaluation: str,
    *suffixes: str,
    best: dict[str, Path] | None = None,
    baseline_labels: tuple[str, ...] | None = None,
) -> list[pa.RecordBatch]:
    read_batch = ReadBatch(
        evaluation, best or {}, ("night",), ("scanner",), baseline_labels=baseline_labels
    )
    return [batch for suffix in suffixes for batch in read_batch.process(suffix)]


def test_a_batch_has_lists_of_one_value_and_an_empty_one_without_a_value(rejected):
    batch, empty = read(rejected.evaluation.uri, SUFFIX, EMPTY_SUFFIX)
    assert batch.schema == empty.schema
    assert (batch.num_rows, empty.num_rows) == (6, 0)
    columns = batch.to_pydict()
    assert columns["domain"] == [[b"day"]] * 4 + [[b"night"]] * 2
    assert columns["scanner"] == [[b"A"]] * 3 + [[]] + [[b"B"]] * 2
    assert columns["baseline_correct"] == [[1], [1], [1], [0], [1], [1]]
    assert columns["baseline_known_correct"] == [[-1]] * 4 + [[1], [1]]
    assert columns["best_correct"] == [[-1]] * 6


def test_a_class_that_the_baseline_does_not_know_is_wrong_in_new_domains_only(rejected):
    [batch] = read(rejected.evaluation.uri, SUFFIX, baseline_labels=("green",))
    columns = batch.to_pydict()
    assert columns["baseline_correct"] == [[0], [0], [1], [0], [-2], [-2]]
    assert columns["baseline_known_correct"] == [[-1]] * 4 + [[-2]] * 2
    assert columns["baseline_new_correct"] == [[-2], [-2], [1], [-2], [-1], [-1]]


def test_no_slice_may_have_the_name_of_a_column(rejected):
    [batch] = read(rejected.evaluation.uri, SUFFIX)
    reserved = {example_features.DOMAIN, example_features.LABEL, *EVALUATOR_COLUMNS}
    assert {*batch.schema.names, GATE_COLUMN} - {"scanner"} <= reserved


def test_the_predictions_of_the_best_versions_are_read_once_and_not_for_every_chunk(
    rejected, monkeypatch
):
    read_folders = []

    def read_stored(folder: Path) -> pa.Table:
        read_folders.append(folder)
        rows = [{"content": digest_of(b"0.png"), "label": "red", "predicted": "red"}]
        return pa.Table.from_pylist(rows, SCHEMA)

    monkeypatch.setattr(prediction_batches, "read_stored", read_stored)
    best = {"day": Path("3"), "fog": Path("3"), "night": Path("5")}
    batches = read(rejected.evaluation.uri, SUFFIX, EMPTY_SUFFIX, SUFFIX, best=best)
    assert sorted(read_folders) == [Path("3"), Path("5")]
    assert batches[2].to_pydict()["best_correct"] == [[1]] + [[-1]] * 5
