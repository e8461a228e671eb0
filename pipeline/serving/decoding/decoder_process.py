"""A process that prepares pictures, as the server sees it."""

import signal
from typing import IO

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.serving.decoding.decoder_program import JOB, REPLY, Reply, Status
from pipeline.serving.processes.job_process import JobProcess, ProcessEndedError, read_exactly
from pipeline.web.request_errors import RequestError

PROGRAM = "pipeline.serving.decoding.decoder_program"

#: Most seconds of CPU time for one picture. The largest that is allowed takes about 8.
MAX_CPU_SECONDS = 15.0

#: Most seconds for one picture, which is less than the server has to end.
MAX_SECONDS = 24.0


class DecoderProcess(JobProcess):
    """Process that prepares one picture at a time."""

    def __init__(
        self, max_cpu_seconds: float = MAX_CPU_SECONDS, max_seconds: float = MAX_SECONDS
    ) -> None:
        """Start nothing yet.

        Args:
            max_cpu_seconds: Most seconds of CPU time for one picture.
            max_seconds: Most seconds for one picture.
        """
        super().__init__(PROGRAM, [str(max_cpu_seconds), str(max_seconds)], name="decoder")
        self._max_cpu_seconds = max_cpu_seconds

    def prepare(self, content: bytes, max_pixels: int, rewrite: bool) -> Reply:
        """Prepare a picture, see `decoder_program.prepare`.

        Args:
            content: Bytes of a file.
            max_pixels: Most pixels of the picture.
            rewrite: Whether to decode it, whatever its header says.

        Raises:
            UnusablePictureError: It takes too much time, or the decoder crashes.
            RequestError: It takes too long because the machine is busy, status 503.
        """

        def send(jobs: IO[bytes]) -> None:
            jobs.write(JOB.pack(len(content), max_pixels, rewrite))
            jobs.write(content)

        try:
            return self.run(send, _read_reply)
        except ProcessEndedError as error:
            raise self._explain_end(error.code) from None

    def _explain_end(self, code: int) -> Exception:
        """Return the error that says why the process has ended."""
        if code == -signal.SIGPROF:
            seconds = f"{self._max_cpu_seconds:g} seconds"
            return UnusablePictureError(f"too costly: it takes more than {seconds} to decode")
        if code == -signal.SIGALRM:
            return RequestError(503, "the machine is too busy to decode the picture: try again")
        return UnusablePictureError("damaged: the decoder crashes")


def _read_reply(replies: IO[bytes]) -> Reply:
    status, num_pixels, num_bytes = REPLY.unpack(read_exactly(replies, REPLY.size))
    return Reply(Status(status), num_pixels, read_exactly(replies, num_bytes))
