"""Files of the predictions for the test split: one per chunk of the examples."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from tfx.dsl.io import fileio

from trainer_module.contract import example_features
from trainer_module.contract.atomic_write import DRAFT_SUFFIX
from trainer_module.contract.folder_files import list_suffixes

#: Folder of the files in the Evaluator's `evaluation` artifact.
FOLDER = "predictions"

FILES = "predictions-*.parquet"

#: Name of the column that says whether a picture is cross-fitted: then it is in train or eval, and
#: the candidate's prediction is that of a fold model.
CROSS_FITTED = "cross_fitted"

#: Names of the columns of the candidate's and the baseline's prediction.
PREDICTED, CONFIDENCE, TRUE_PROBABILITY = "predicted", "confidence", "true_probability"
OF_BASELINE = "baseline_"

#: Name of the column with the values of slices, see `slice_values.encode_values`.
SLICES = "slices"

#: Columns of the files. Class ids are those of the candidate, -1 for a class that it does not know.
#: The columns of the baseline are null where there is none, and for a picture that it has no
#: out-of-fold prediction for. The probability of the true class is also null where the baseline's
#: prediction was kept for another label.
SCHEMA = pa.schema(
    [
        (example_features.IMAGE_ID, pa.binary()),
        ("content", pa.binary(16)),  # digest of the file
        (example_features.DOMAIN, pa.string()),
        (example_features.LABEL, pa.string()),
        (example_features.LABEL_ID, pa.int64()),
        (CROSS_FITTED, pa.bool_()),
        (PREDICTED, pa.string()),
        (CONFIDENCE, pa.float32()),  # probability of the predicted class
        (TRUE_PROBABILITY, pa.float32()),  # probability of the true class; 0 for an unknown class
        (example_features.PROBABILITIES, pa.list_(pa.float32())),  # of all classes
        (f"{OF_BASELINE}{PREDICTED}", pa.string()),
        (f"{OF_BASELINE}{CONFIDENCE}", pa.float32()),
        (f"{OF_BASELINE}{TRUE_PROBABILITY}", pa.float32()),
        (SLICES, pa.string()),
    ]
)


def write_part(evaluation_uri: str, suffix: str, rows: list[dict[str, Any]]) -> None:
    """Write the predictions for one chunk; the file appears complete.

    Args:
        evaluation_uri: URI of the `evaluation` artifact.
        suffix: Suffix of the file name of the chunk.
        rows: Values of the columns of `SCHEMA`.
    """
    content = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), content, compression="zstd")
    path = _path(evaluation_uri, suffix)
    with fileio.open(f"{path}{DRAFT_SUFFIX}", "wb") as file:
        file.write(content.getvalue().to_pybytes())
    fileio.rename(f"{path}{DRAFT_SUFFIX}", path, overwrite=True)


def read_part(evaluation_uri: str, suffix: str, columns: list[str] | None = None) -> pa.Table:
    """Read the predictions for one chunk.

    Args:
        evaluation_uri: URI of the `evaluation` artifact.
        suffix: Suffix of the file name of the chunk.
        columns: Names of columns in `SCHEMA`; None for all. A column that the file of an earlier
            carryover lacks is null.
    """
    with fileio.open(_path(evaluation_uri, suffix), "rb") as file:
        return pq.read_table(pa.BufferReader(file.read()), schema=SCHEMA, columns=columns)


def read_predictions(evaluation_uri: str, columns: list[str] | None = None) -> pa.Table:
    """Read the predictions for the whole test split, in the order of the chunks.

    Args:
        evaluation_uri: URI of the `evaluation` artifact.
        columns: Names of columns in `SCHEMA`; None for all but the probabilities of all classes,
            which take most of the space.
    """
    if columns is None:
        columns = [name for name in SCHEMA.names if name != example_features.PROBABILITIES]
    empty = pa.schema([SCHEMA.field(name) for name in columns]).empty_table()
    parts = [part for _, part in read_parts(evaluation_uri, columns)]
    return pa.concat_tables([empty, *parts]).combine_chunks()


def read_parts(evaluation_uri: str, columns: list[str]) -> Iterator[tuple[str, pa.Table]]:
    """Read the predictions one chunk after the other.

    Args:
        evaluation_uri: URI of the `evaluation` artifact.
        columns: Names of columns in `SCHEMA`.

    Yields:
        Suffix of the chunk, and its table.
    """
    for suffix in list_suffixes(f"{evaluation_uri}/{FOLDER}", FILES):
        yield suffix, read_part(evaluation_uri, suffix, columns)


def text_array(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """Return a column of texts as an array of str; None for null. Equal texts are one object."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = np.array([*encoded.dictionary.to_pylist(), None], object)
    return texts[encoded.indices.fill_null(len(texts) - 1).to_numpy()]


def _path(evaluation_uri: str, suffix: str) -> str:
    return f"{evaluation_uri}/{FOLDER}/{FILES.replace('*', suffix)}"
