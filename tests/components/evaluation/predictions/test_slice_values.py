import contextlib
from pathlib import Path

import pytest

from components.evaluation.predictions import slice_values
from components.evaluation.predictions.slice_values import (
    MAX_VALUES,
    SliceValuesWriter,
    decode_values,
    encode_values,
    read_slice_values,
    slice_value_arrays,
)
from trainer_module.contract.atomic_write import Draft
from trainer_module.contract.errors import InputError

ROWS = {"a.png": {"scanner": "B", "sex": "F"}, "b.png": {"sex": "Ä"}, "caf\udce9.png": {"sex": "F"}}


def begin(draft: Draft) -> contextlib.closing[SliceValuesWriter]:
    return contextlib.closing(SliceValuesWriter(draft, ("scanner", "sex"), "my data"))


def write(folder: Path, rows: dict[str, dict[str, str]]) -> Path:
    with Draft(folder / "draft") as draft, begin(draft) as writer:
        for path, values in rows.items():
            writer.add(path, values)
        return writer.finish(folder)


def test_values_are_read_as_they_were_written_whatever_the_size_of_a_batch(tmp_path, monkeypatch):
    for rows in (1, 2, 1024):
        monkeypatch.setattr(slice_values, "BATCH_ROWS", rows)
        path = write(tmp_path, ROWS)
        assert list(tmp_path.iterdir()) == [path]  # its name depends on the values alone
        assert read_slice_values(str(path), [b"a.png", b"caf\xe9.png", b"other.png"]) == {
            b"a.png": ROWS["a.png"],
            b"caf\xe9.png": {"sex": "F"},
        }


def test_other_values_have_another_file_and_other_columns_are_ignored(tmp_path):
    write(tmp_path, ROWS)
    write(tmp_path, ROWS | {"b.png": {"sex": "F"}})
    assert len(list(tmp_path.iterdir())) == 2
    path = write(tmp_path, {"a.png": {"name": "Ann"}})
    assert read_slice_values(str(path), [b"a.png"]) == {}


def test_a_column_of_too_many_values_is_an_error_that_names_some(tmp_path):
    rows = {f"{number}.png": {"sex": f"{number}\n"} for number in range(MAX_VALUES + 1)}
    assert write(tmp_path, dict(list(rows.items())[1:]))
    with pytest.raises(InputError, match=r"my data: column sex has more than 50 values, such as 0"):
        write(tmp_path, rows)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_column_without_values_is_an_error(tmp_path):
    with Draft(tmp_path / "draft") as draft, begin(draft) as writer:
        writer.add("b.png", ROWS["b.png"])
        with pytest.raises(InputError, match="no usable picture has a value of scanner, which"):
            writer.check_columns()
        writer.add("a.png", ROWS["a.png"])
        writer.check_columns()


def test_values_in_a_column_of_texts_are_read_back_as_arrays():
    assert encode_values({}) is None
    texts = [encode_values(values) for values in (*ROWS.values(), {})]
    assert [decode_values(text) for text in texts] == [*ROWS.values(), {}]
    arrays = slice_value_arrays(texts, ("scanner", "bed"))
    assert {name: list(array) for name, array in arrays.items()} == {
        "scanner": ["B", "", "", ""],
        "bed": [""] * 4,
    }
    assert slice_value_arrays(texts, ()) == {}
