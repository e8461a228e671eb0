"""Program that reads a Parquet file on its standard input, and sends its rows to another process.

It writes lines of JSON with `rows`, pairs of a position and the texts by column, and `error`, a
message for the user. A line with neither is the last one.
"""

import json
import os
import sys
from itertools import islice

from pipeline.inputs.manifest_columns import WantedColumns
from pipeline.inputs.parquet.parquet_rows import BATCH_ROWS, read_parquet_rows
from trainer_module.contract.errors import InputError


def main() -> None:
    """Read the file.

    The arguments are its location, the largest size of a chunk or 0, and `WantedColumns` as JSON.
    """
    location, max_chunk = sys.argv[1], int(sys.argv[2])
    wanted = WantedColumns(*map(tuple, json.loads(sys.argv[3])))
    error = ""
    with os.fdopen(0, "rb") as file:
        rows = read_parquet_rows(file, location, max_chunk or None, wanted)
        try:
            while batch := [(row.position, row.texts) for row in islice(rows, BATCH_ROWS)]:
                _send(batch, "")
        except InputError as refused:
            error = str(refused)
    _send([], error)


def _send(rows: list[tuple[str, dict[str, str]]], error: str) -> None:
    sys.stdout.write(json.dumps({"rows": rows, "error": error}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
