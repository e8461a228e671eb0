from typing import Any

import pyarrow.parquet as pq
import pytest

from components.evaluation.predictions.prediction_files import (
    FOLDER,
    SCHEMA,
    read_part,
    read_predictions,
    write_part,
)

pytestmark = pytest.mark.component


def row(number: int) -> dict[str, Any]:
    return {
        "image_id": b"day/\xff-%d.png" % number,  # not UTF-8
        "content": bytes([number]) * 16,
        "domain": "Straße",
        "label": "red",
        "label_id": 0,
        "cross_fitted": False,
        "predicted": "blue",
        "confidence": 0.75,
        "true_probability": 0.25,
        "probabilities": [0.25, 0.75],
        "baseline_predicted": None,
        "baseline_confidence": None,
        "baseline_true_probability": None,
        "slices": '{"scanner": "B"}',
    }


@pytest.fixture(name="evaluation")
def _evaluation(tmp_path):
    """An `evaluation` artifact with a folder for predictions."""
    (tmp_path / FOLDER).mkdir()
    return tmp_path


def test_a_chunk_is_read_as_it_was_written(evaluation):
    rows = [row(1), row(2) | {"baseline_predicted": "red"}]
    write_part(str(evaluation), "00000-of-00001", rows)
    table = read_part(str(evaluation), "00000-of-00001")
    assert table.schema.equals(SCHEMA)
    assert table.to_pylist() == rows
    assert read_part(str(evaluation), "00000-of-00001", ["label"]).to_pydict() == {
        "label": ["red", "red"]
    }


def test_a_column_that_an_earlier_carryover_did_not_write_is_null(evaluation):
    write_part(str(evaluation), "00000-of-00001", [row(1)])
    [file] = (evaluation / FOLDER).iterdir()
    pq.write_table(pq.read_table(file).drop(["slices"]), file)
    table = read_predictions(str(evaluation), SCHEMA.names)
    assert table.schema.equals(SCHEMA)
    assert table.to_pylist() == [row(1) | {"slices": None}]


def test_a_chunk_that_is_written_again_replaces_the_first_and_leaves_no_draft(evaluation):
    for number in (1, 2):
        write_part(str(evaluation), "00000-of-00001", [row(number)])
    assert read_part(str(evaluation), "00000-of-00001").to_pylist() == [row(2)]
    assert [path.name for path in (evaluation / FOLDER).iterdir()] == [
        "predictions-00000-of-00001.parquet"
    ]


def test_all_chunks_are_read_in_their_order_without_the_probabilities_of_all_classes(evaluation):
    write_part(str(evaluation), "00002-of-00003", [row(3)])
    write_part(str(evaluation), "00000-of-00003", [row(1), row(2)])
    write_part(str(evaluation), "00001-of-00003", [])
    table = read_predictions(str(evaluation))
    assert [content[0] for content in table["content"].to_pylist()] == [1, 2, 3]
    assert table.column_names == [name for name in SCHEMA.names if name != "probabilities"]
    only = read_predictions(str(evaluation), ["probabilities"])
    assert only.to_pydict() == {"probabilities": [[0.25, 0.75]] * 3}


def test_without_any_chunk_the_table_is_empty_and_has_its_columns(evaluation):
    table = read_predictions(str(evaluation), ["content", "predicted"])
    assert (table.num_rows, table.column_names) == (0, ["content", "predicted"])
