"""Predictions for the test pictures that are kept with a version.

A later candidate is compared with the version on the test pictures that both know. The version is
not loaded for that.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.evaluation.predictions.prediction_files import (
    CONFIDENCE,
    PREDICTED,
    SLICES,
    TRUE_PROBABILITY,
    read_predictions,
)
from components.evaluation.predictions.slice_values import decode_values
from trainer_module.contract import example_features
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.model_assets import TEST_PREDICTIONS
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading
from trainer_module.export.model_description import read_description

#: Columns of the file. It holds no paths: a picture is known by the digest of its content.
SCHEMA = pa.schema(
    [
        ("content", pa.binary(16)),
        (example_features.DOMAIN, pa.string()),
        (example_features.LABEL, pa.string()),
        (PREDICTED, pa.string()),
        (CONFIDENCE, pa.float32()),
        (TRUE_PROBABILITY, pa.float32()),
        (SLICES, pa.string()),
    ]
)


@dataclass(frozen=True)
class Prediction:
    """Prediction of a version for one test picture.

    Attributes:
        predicted: Name of the predicted class.
        confidence: Probability of the predicted class.
        true_probability: Probability of the true class; 0 for a class that the version does not
            know; None where it is not kept, as the label was another one then.
    """

    predicted: str
    confidence: float
    true_probability: float | None


def keep_predictions(evaluation_uri: str, model: Path) -> None:
    """Write the predictions of an evaluation into the folder of its model.

    Args:
        evaluation_uri: URI of the Evaluator's `evaluation` artifact.
        model: Folder of the SavedModel.
    """
    table = read_predictions(evaluation_uri, SCHEMA.names)
    (model / TEST_PREDICTIONS).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, model / TEST_PREDICTIONS, compression="zstd")


def keep_slices(evaluation_uri: str, model: Path) -> None:
    """Add the values of slices of an evaluation to the predictions that are kept with a version.

    A version that is evaluated again may have been pushed before the config named the slices.

    Args:
        evaluation_uri: URI of the Evaluator's `evaluation` artifact.
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    stored = read_stored(model)
    columns = read_predictions(evaluation_uri, ["content", SLICES])
    found = {row["content"]: row[SLICES] for row in columns.to_pylist() if row[SLICES]}
    if found and stored.num_rows:
        rows = [
            row | {SLICES: found.get(row["content"], row[SLICES])} for row in stored.to_pylist()
        ]
        content = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), content, compression="zstd")
        atomic_write(model / TEST_PREDICTIONS, content.getvalue().to_pybytes())


def read_stored(model: Path) -> pa.Table:
    """Read the predictions that are kept with a version.

    Args:
        model: Folder of the SavedModel.

    Returns:
        Table with the columns of `SCHEMA`; empty for a version that was pushed before predictions
        were kept.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    path = model / TEST_PREDICTIONS
    if not path.exists():
        return SCHEMA.empty_table()
    with reading(path, "list of test predictions", RESTORE_VERSION):
        return pq.read_table(path, schema=SCHEMA).combine_chunks()


def predictions_by_picture(model: Path) -> dict[tuple[bytes, str], Prediction]:
    """Return the predictions that are kept with a version, by content and label of the picture.

    A picture whose label has changed since is not found: the probability of its true class is
    unknown.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    stored = read_stored(model)
    names = ("content", example_features.LABEL, PREDICTED, CONFIDENCE, TRUE_PROBABILITY)
    columns = [stored[name].to_pylist() for name in names]
    return {
        (content, label): Prediction(predicted, confidence, true_probability)
        for content, label, predicted, confidence, true_probability in zip(*columns, strict=True)
    }


def stored_slices(model: Path) -> dict[bytes, dict[str, str]]:
    """Return the values of slices that are kept with a version, by content of the picture.

    Every picture that the version was tested on is there; one without values has an empty mapping.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    stored = read_stored(model)
    columns = [stored[name].to_pylist() for name in ("content", SLICES)]
    return {content: decode_values(text) for content, text in zip(*columns, strict=True)}


def read_known_labels(model: Path) -> frozenset[str] | None:
    """Return the classes that a version knows; None for a model that has no description.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The description is unreadable or damaged.
    """
    try:
        return frozenset(read_description(str(model))["labels"])
    except FileNotFoundError:  # another program has exported the model
        return None


def find_predicted(stored: pa.Table, contents: pa.Array) -> npt.NDArray[np.object_]:
    """Return the class that a version predicted for each picture; None for unknown pictures.

    Args:
        stored: Table of `read_stored`.
        contents: Digests of the pictures, binary [pictures].
    """
    rows = pc.index_in(contents, value_set=stored["content"].combine_chunks())
    found = stored[PREDICTED].combine_chunks().take(rows)
    return np.array(found.to_pylist(), object)
