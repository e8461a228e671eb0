"""Program that makes thumbnails of pictures of clients, from stdin to stdout.

It is a process of its own because a decoder may crash, or take much memory, on a malicious picture.
"""

import json
import os
import resource
import sys
from typing import BinaryIO

from pipeline.overview.thumbnail_process import SIZE
from pipeline.report.thumbnails import encode_thumbnail

#: Limits of the program: bytes of its memory, and seconds of CPU.
MAX_MEMORY, MAX_SECONDS = 2 * 2**30, 20

#: Lower priority than the server's, see `nice`.
NICENESS = 10


def main() -> None:
    """Reply to every picture with its thumbnail, null for none."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    jobs: BinaryIO = sys.stdin.buffer
    while header := jobs.read(SIZE.size):
        (size,) = SIZE.unpack(header)
        print(json.dumps(encode_thumbnail(jobs.read(size))), flush=True)


if __name__ == "__main__":
    main()
