"""A file that crashes Arrow ends the process that reads it, and no other."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.inputs.parquet import parquet_table
from pipeline.inputs.parquet.parquet_table import read_parquet_table
from trainer_module.contract.errors import InputError

COUNT = 3000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    columns = {"path": [f"{n}.png" for n in range(COUNT)], "domain": ["n\u00e4ht"] * COUNT}
    pq.write_table(pa.table(columns | {"label": list(range(COUNT))}), tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


def test_all_rows_arrive_in_their_order(path):
    with path.open("rb") as file:
        rows = list(read_parquet_table(file, str(path)))
    assert [row.position for row in rows] == [f"row {n}" for n in range(1, COUNT + 1)]
    assert rows[-1].texts == {"path": "2999.png", "domain": "n\u00e4ht", "label": "2999"}


def test_rows_that_are_not_taken_leave_no_process_behind(path):
    with path.open("rb") as file:
        rows = read_parquet_table(file, str(path))
        assert next(rows).texts["path"] == "0.png"
        rows.close()


def test_the_problem_of_a_file_arrives_as_it_is(path):
    with (
        path.open("rb") as file,
        pytest.raises(InputError, match=r"has a row group of .* limit is 9"),
    ):
        list(read_parquet_table(file, str(path), max_chunk=9))


@pytest.mark.parametrize("last_act", ["os.abort()", "os.kill(os.getpid(), 11)", "os._exit(0)"])
def test_a_crash_of_the_reader_is_one_line(path, tmp_path, monkeypatch, last_act):
    (tmp_path / "crashing_reader.py").write_text(f"import os; {last_act}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(parquet_table, "PROGRAM", "crashing_reader")
    with path.open("rb") as file, pytest.raises(InputError) as error:
        list(read_parquet_table(file, "m.parquet"))
    assert str(error.value) == (
        "manifest m.parquet cannot be read as Parquet: it crashes Arrow's reader. Write it again."
    )
