"""Any table is read to its end, or there is one line about what is wrong."""

import faulthandler
import io
import os
import signal
import traceback

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given
from hypothesis import strategies as st
from mutated_bytes import MutationFuzzer

from pipeline.inputs.csv_table import read_csv_table
from pipeline.inputs.manifest_columns import TableRow
from pipeline.inputs.parquet.parquet_rows import read_parquet_rows
from pipeline.inputs.row_check import RowCheck
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.spreadsheet_csv import cell_text

HEADER = "path,domain,label,split,group\n"
ODD_CELLS = (
    *("a.png", "../a.png", "s3://b/a.png", "file:///a.png", "~/a.png", "C:\\a.png", "/a.png"),
    *("", " ", "NULL", "test", "=1+1", "'=1", '"', '""', "@eaDir/a.png", "\0", "\ufeff", "\u2028"),
)
CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(ODD_CELLS)


def rows_of(content: bytes, read: str = "csv") -> list[TableRow] | None:
    """Return the rows of a table, or None after one line about what is wrong."""
    read_table = read_csv_table if read == "csv" else read_parquet_rows
    try:
        rows = list(read_table(io.BytesIO(content), "pictures"))
    except InputError as error:
        assert "pictures" in str(error)
        assert len(str(error)) < 1000
        assert "\n" not in str(error)
        return None
    check = RowCheck()
    for row in rows:
        listed = check.listing_row(row)
        assert listed["path"].strip()
        assert "reason" in listed or (listed["domain"] and listed["label"])
    return rows


@example(b"path,domain,label\n\x00")
@example(HEADER.encode("utf-16") + b"a")
@example(b"sep=\n")
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_are_a_table_or_one_line(content: bytes) -> None:
    rows_of(content)
    rows_of(HEADER.encode() + content)


@given(
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
)
def test_a_table_of_any_program_has_the_cells_that_were_written(
    delimiter: str, end: str, encoding: str, cells: list[tuple[str, str, str]]
) -> None:
    def quoted(row: tuple[str, ...]) -> str:
        return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row)

    lines = [delimiter.join(("path", "domain", "label")), *map(quoted, cells)]
    rows = rows_of(end.join([*lines, ""]).encode(encoding))
    written = [tuple(map(cell_text, row)) for row in cells if any(cell.strip() for cell in row)]
    if rows is not None:  # a NUL character is refused
        assert [tuple(row.texts.values()) for row in rows] == written


def test_a_mutated_csv_file_is_a_table_or_one_line(mutation_fuzzer: MutationFuzzer) -> None:
    text = HEADER + 'day/a.png,day,cat,train,p1\n"day/b ""x"".png",day,"do\ng",test,\n'
    files = {
        "comma": text.encode(),
        "semicolon": b"sep=;\n" + text.replace(",", ";").encode(),
        "utf-16": text.encode("utf-16"),
        "mark": text.encode("utf-8-sig"),
    }
    mutation_fuzzer.run("csv", rows_of, files, 600)


def test_a_mutated_parquet_file_is_a_table_or_one_line(mutation_fuzzer: MutationFuzzer) -> None:
    table = pa.table(
        {
            "path": [f"{number}.png" for number in range(40)],
            "domain": pa.array(["day", "night"] * 20).dictionary_encode(),
            "label": pa.array(range(40), pa.int32()),
            "split": pa.nulls(40),
        }
    )
    files = {}
    for compression in ("none", "snappy", "gzip", "zstd"):
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression=compression, row_group_size=25)
        files[compression] = buffer.getvalue()
    mutation_fuzzer.run("parquet", read_in_a_fork, files, 80)


def read_in_a_fork(content: bytes) -> None:
    """Read a Parquet file in another process: Arrow may crash, as in `read_parquet_table`."""
    process = os.fork()
    if not process:
        faulthandler.disable()  # its report of a crash would look like one of the test
        signal.alarm(60)
        try:
            rows_of(content, "parquet")
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(process, 0)[1]
    is_crash = os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGALRM
    assert is_crash or status == 0, "see the output"
