"""Rows of a manifest in Parquet. A file that crashes Arrow ends another process only.

Arrow checks what it reads only in part: of damaged files, one in a few thousand ends the process
(`make fuzz` with pyarrow 10).
"""

import json
import subprocess
from collections.abc import Iterator
from typing import IO, BinaryIO

from pipeline.inputs.manifest_columns import NO_SLICES, TableRow, WantedColumns
from pipeline.inputs.parquet.parquet_rows import read_parquet_rows
from trainer_module.contract.child_process import isolated_module
from trainer_module.contract.errors import InputError
from trainer_module.contract.process_environment import environment_without_gpu

#: Largest chunk of a column of a delivery, in bytes when it is unpacked: a small file can hold a
#: huge one.
MAX_CHUNK = 2**30

#: Program of the other process.
PROGRAM = "pipeline.inputs.parquet.parquet_program"


def read_parquet_table(
    file: BinaryIO,
    location: str,
    max_chunk: int | None = None,
    wanted: WantedColumns = NO_SLICES,
) -> Iterator[TableRow]:
    """Read the rows of a Parquet file. Nothing that the file holds is executed.

    Args:
        file: Content, at its beginning. A file of a store is read in this process, row by row;
            deliveries are files of this machine.
        location: Path or URI of the file, for messages.
        max_chunk: Largest size of a chunk of a column in bytes. None for any size.
        wanted: Columns to read.

    Raises:
        InputError: The columns are not those of a manifest, the file cannot be read, or a chunk is
            too large.
    """
    try:
        file.fileno()
    except (AttributeError, OSError):  # it is no file of this machine
        yield from read_parquet_rows(file, location, max_chunk, wanted)
        return
    arguments = [location, str(max_chunk or 0), json.dumps(wanted)]
    command = [*isolated_module(PROGRAM), *arguments]
    with subprocess.Popen(
        command,
        env=environment_without_gpu(),
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield from _received_rows(process.stdout, location)
        finally:
            process.kill()  # not all rows may have been taken


def _received_rows(lines: IO[bytes] | None, location: str) -> Iterator[TableRow]:
    """Yield the rows that the program sends, see `parquet_program`."""
    for line in lines or ():
        sent = json.loads(line)
        if sent["error"]:
            raise InputError(sent["error"])
        if not sent["rows"]:
            return
        yield from (TableRow(position, texts) for position, texts in sent["rows"])
    raise InputError(
        f"manifest {location} cannot be read as Parquet: it crashes Arrow's reader. Write it again."
    )
