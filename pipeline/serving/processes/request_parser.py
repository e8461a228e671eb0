"""Parses large bodies of predict requests in a process of its own."""

import asyncio
from collections.abc import Mapping
from typing import IO

import orjson

from pipeline.serving.limits.memory_budget import WAIT_SECONDS, MemoryBudget
from pipeline.serving.processes.job_process import JobProcess, ProcessEndedError, read_exactly
from pipeline.serving.processes.parser_program import JOB, REPLY
from pipeline.serving.protocol.predict_request import PredictRequest, memory_to_parse
from pipeline.web.request_errors import RequestError
from trainer_module.contract.example_features import IMAGE, SERVING_DEFAULT

PROGRAM = "pipeline.serving.processes.parser_program"


class RequestParser:
    """Parses one body at a time; others wait for a short time."""

    def __init__(self, budget: MemoryBudget) -> None:
        """Start no process yet.

        Args:
            budget: Memory of all requests.
        """
        self._budget = budget
        self._lock = asyncio.Lock()
        self._process = JobProcess(PROGRAM, name="parser")

    def start(self) -> None:
        """Begin to start the process, and let it parse a first body."""
        body = bytearray(b'{"instances": [""]}')
        self._process.thread.submit(self._parse, body, {SERVING_DEFAULT: IMAGE}, max_instances=1)

    async def parse(
        self, body: bytearray, inputs: Mapping[str, str], max_instances: int
    ) -> PredictRequest:
        """Parse the body of a predict request, see `parse_predict_request`.

        Args:
            body: Body of the request; it is emptied.
            inputs: As for `parse_predict_request`.
            max_instances: As for `parse_predict_request`.

        Raises:
            RequestError: The body is wrong (status 400), there will never be enough memory (413),
                or the process or memory is in use (503).
        """
        try:
            await asyncio.wait_for(self._lock.acquire(), WAIT_SECONDS)
        except asyncio.TimeoutError:
            raise RequestError(503, "other large requests are being parsed: try again") from None
        try:
            needed = len(body) + memory_to_parse(body)  # the process has the body, too
            async with self._budget.work(needed, "parsing the request"):
                return await asyncio.get_running_loop().run_in_executor(
                    self._process.thread, self._parse, body, inputs, max_instances
                )
        finally:
            self._lock.release()

    def stop(self) -> None:
        """End the process."""
        self._process.stop()

    def _parse(
        self, body: bytearray, inputs: Mapping[str, str], max_instances: int
    ) -> PredictRequest:
        def send(jobs: IO[bytes]) -> None:
            arguments = orjson.dumps({"inputs": dict(inputs), "max_instances": max_instances})
            jobs.write(JOB.pack(len(arguments), len(body)) + arguments)
            jobs.write(body)
            jobs.flush()
            body.clear()  # its memory is used for the instances

        try:
            return self._process.run(send, _receive)
        except ProcessEndedError:
            raise RequestError(503, "the request could not be parsed: try again") from None


def _receive(replies: IO[bytes]) -> PredictRequest:
    (num_json,) = REPLY.unpack(read_exactly(replies, REPLY.size))
    fields = orjson.loads(read_exactly(replies, num_json))
    if "message" in fields:
        raise RequestError(fields["status"], fields["message"])
    instances = [read_exactly(replies, size) for size in fields.pop("sizes")]
    return PredictRequest(instances=instances, **fields)
