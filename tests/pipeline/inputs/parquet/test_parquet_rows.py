"""A Parquet file is data: no type of its columns is executed, and none but plain ones is read."""

import os
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from manifests import refusal

from pipeline.inputs.manifest import read_manifest
from pipeline.inputs.parquet.parquet_rows import PICKLED_TYPE, read_parquet_rows
from trainer_module.contract.errors import InputError

#: Opens a file the way every Arrow does that nobody has told to be careful.
OPEN = "import sys, pyarrow.parquet; pyarrow.parquet.ParquetFile(sys.argv[1])"

READ = """
import sys
from pipeline.inputs.parquet.parquet_rows import read_parquet_rows
list(read_parquet_rows(open(sys.argv[1], "rb"), "m.parquet"))
"""


class Touch:
    """An object whose pickle makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._path),)


def extension(name: str, content: bytes = b"", kind: pa.DataType | None = None) -> pa.Field:
    """A field of an extension type that Arrow does not know when it writes it."""
    metadata = {b"ARROW:extension:name": name.encode(), b"ARROW:extension:metadata": content}
    return pa.field("cell", kind or pa.string(), metadata=metadata)


def write_with(folder: Path, column: str, field: pa.Field, value: Any = "cat") -> str:
    """Write a manifest of one row with a column of this field."""
    cells = {"path": "a.png", "domain": "day", "label": "cat", column: value}
    plain = dict.fromkeys(cells, pa.field("cell", pa.string()))
    fields = [field.with_name(name) for name, field in (plain | {column: field}).items()]
    arrays = [
        pa.array([cell], field.type) for cell, field in zip(cells.values(), fields, strict=True)
    ]
    path = folder / "pictures.parquet"
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), path)
    return str(path)


def in_a_struct(field: pa.Field) -> tuple[pa.Field, Any]:
    return pa.field("cell", pa.struct([field])), {"cell": "x"}


def in_a_list(field: pa.Field) -> tuple[pa.Field, Any]:
    return pa.field("cell", pa.list_(field)), ["x"]


def bare(field: pa.Field) -> tuple[pa.Field, Any]:
    return field, "x"


@pytest.mark.parametrize("column", ["label", "other"])
@pytest.mark.parametrize("nest", [bare, in_a_struct, in_a_list])
def test_a_pickled_type_is_refused_in_any_column_and_at_any_depth(folder, tmp_path, column, nest):
    touched = tmp_path / "touched"
    field, value = nest(extension(PICKLED_TYPE, pickle.dumps(Touch(touched))))
    message = refusal(write_with(folder, column, field, value))
    assert "cannot be read as Parquet: ArrowInvalid('it has a column of a pickled type" in message
    assert not touched.exists()


def test_the_pickle_does_not_run_in_a_process_in_which_arrow_would_run_it(
    folder, tmp_path, run_python
):
    touched = tmp_path / "touched"
    field = extension(PICKLED_TYPE, pickle.dumps(Touch(touched)))
    path = write_with(folder, "label", field)
    opened = run_python("-c", OPEN, path)
    ran = tuple(map(int, pa.__version__.split(".")[:3])) < (14, 0, 1)
    assert touched.exists() == ran, opened.stderr
    if ran:
        touched.rmdir()
    read = run_python("-c", READ, path)
    assert "which is never unpickled" in read.stderr
    assert "Exception ignored" not in read.stderr  # Arrow's own clean-up at exit still works
    assert not touched.exists()


@pytest.mark.parametrize("name", ["arrow.json", "arrow.uuid2", "\u202egnp.type"])
def test_a_column_of_an_extension_type_is_named_in_one_line(folder, name):
    message = refusal(write_with(folder, "label", extension(name)))
    assert message.endswith(
        f"column label must hold text or whole numbers. Received: extension type {name!r}"
    )


def test_a_type_that_a_library_registered_is_one_line_whatever_its_code_raises(folder):
    class Nervous(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(pa.string(), "tests.nervous")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> Any:
            raise KeyError("one line\nand another")

    pa.register_extension_type(Nervous())
    path = Path(write_with(folder, "other", extension("tests.nervous")))
    try:
        with path.open("rb") as file, pytest.raises(InputError) as error:
            list(read_parquet_rows(file, str(path)))
    finally:
        pa.unregister_extension_type("tests.nervous")
    assert "cannot be read as Parquet: KeyError('one line" in str(error.value)
    assert "\n" not in str(error.value)


def test_other_columns_may_have_types_that_nobody_reads(folder):
    path = write_with(folder, "other", extension("tests.embedding", b"\xff"))
    [row] = read_manifest(path)
    assert (row["path"], row["domain"], row["label"]) == ("a.png", "day", "cat")
