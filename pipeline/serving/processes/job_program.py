"""Start of a program that does jobs from stdin, and replies to stdout."""

import os
import signal
from pathlib import Path
from typing import BinaryIO

#: Lower priority than the server's, see `nice`: ordinary requests need none of these programs.
NICENESS = 10


def open_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the streams of jobs and of replies, and prepare the process for jobs.

    It gets a lower priority, ignores signals that are for the server, and loses the standard
    streams, to which libraries print warnings.
    """
    for stop in (signal.SIGINT, signal.SIGTERM):  # the server gets them, too, and ends the input
        signal.signal(stop, signal.SIG_IGN)
    os.nice(NICENESS)
    jobs, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("r+b") as null:
        for number in range(3):
            os.dup2(null.fileno(), number)
    return jobs, replies
