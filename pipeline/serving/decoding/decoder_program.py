"""Program that prepares pictures for the model, one after the other, from stdin to stdout.

It is a process of its own because decoders are C code: only a process can be stopped, and only its
memory can be limited. It ends when its input ends, or when a picture takes too long.
"""

import contextlib
import enum
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import BinaryIO, NamedTuple

from components.image_example_gen.picture_reader import UnusablePictureError, servable_picture
from pipeline.serving.decoding.webp_header import webp_pixels
from pipeline.serving.processes.job_program import open_streams

#: Message to the program: bytes of the picture that follows, most pixels, whether to rewrite it.
JOB = struct.Struct("!QQ?")

#: Message from the program: status, number of pixels, bytes that follow.
REPLY = struct.Struct("!BQQ")

#: Most bytes per pixel that Pillow takes to prepare a picture. Measured: 25 for 16 bits or floats,
#: 24 for WebP, 20 for four bands of 16 bits, 10 for JPEG, 5 for GIF.
BYTES_PER_PIXEL = 25

#: Bytes for copies of the file, and for small objects.
FILE_COPIES, SLACK = 4, 32 * 2**20

TOO_MANY_PIXELS = "too many pixels"


class Status(enum.IntEnum):
    """Result of a job: the picture as PNG, the file as it is, an error, or a larger picture."""

    PREPARED = 0
    AS_IT_IS = 1
    UNUSABLE = 2
    TOO_LARGE = 3


class Reply(NamedTuple):
    """Result of a job.

    Attributes:
        status: What the result is.
        num_pixels: Number of pixels; 0 if it is unusable.
        content: PNG, or the reason in UTF-8; empty otherwise.
    """

    status: Status
    num_pixels: int = 0
    content: bytes = b""


def memory_for(num_pixels: int, num_bytes: int) -> int:
    """Return the bytes that the program takes for a picture.

    Args:
        num_pixels: Number of pixels.
        num_bytes: Size of the file.
    """
    return num_pixels * BYTES_PER_PIXEL + num_bytes * FILE_COPIES + SLACK


def prepare(content: bytes, max_pixels: int, rewrite: bool) -> Reply:
    """Prepare a picture, see `servable_picture`.

    Args:
        content: Bytes of a file.
        max_pixels: Most pixels of the picture.
        rewrite: Whether to decode it, whatever its header says.
    """
    if webp_pixels(content) > max_pixels:  # Pillow takes memory for the pixels when it opens it
        return Reply(Status.TOO_LARGE)
    try:
        prepared, num_pixels = servable_picture(content, rewrite, max_pixels)
    except UnusablePictureError as error:
        if str(error).startswith(TOO_MANY_PIXELS):
            return Reply(Status.TOO_LARGE, content=str(error).encode())
        return Reply(Status.UNUSABLE, content=str(error).encode("utf-8", "replace"))
    if prepared is content:
        return Reply(Status.AS_IT_IS, num_pixels)
    return Reply(Status.PREPARED, num_pixels, prepared)


def main() -> None:
    """Do jobs until the input ends; the arguments are the most seconds that one may take.

    The first is CPU time, the second is time on the clock, which is longer on a busy machine.
    """
    cpu_seconds, seconds = float(sys.argv[1]), float(sys.argv[2])
    jobs, replies = open_streams()
    while header := jobs.read(JOB.size):
        num_bytes, max_pixels, rewrite = JOB.unpack(header)
        _limit_memory(memory_for(max_pixels, num_bytes))
        _end_after(cpu_seconds, seconds)
        reply = prepare(jobs.read(num_bytes), max_pixels, rewrite)
        _send(replies, reply)
        _end_after(0, 0)


def _send(replies: BinaryIO, reply: Reply) -> None:
    replies.write(REPLY.pack(reply.status, reply.num_pixels, len(reply.content)))
    replies.write(reply.content)
    replies.flush()


def _end_after(cpu_seconds: float, seconds: float) -> None:
    """Let a signal end the process after a time, even within a decoder; 0 for never."""
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(num_bytes: int) -> None:
    """Limit what the process may take beyond what it has now."""
    with contextlib.suppress(OSError, ValueError):  # the limit does not exist on every system
        used = resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[5])
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (used + num_bytes, hard))


if __name__ == "__main__":
    main()
