"""One method of the gRPC API, as gRPC calls it: limits, errors and metrics."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.serving.limits.receiving_slots import ReceivingSlots
from pipeline.serving.sampling.client_domain import DOMAIN_HEADER, read_client_domain
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.web.request_errors import RequestError

#: Codes of gRPC by the HTTP status of the same error in the REST API.
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    412: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}

#: Most characters of an error's message: it is sent in a header, which has 8 KiB.
MAX_DETAILS = 1000

#: Function that returns the response to a message, both serialized; see `GrpcApi`.
Respond = Callable[[bytes, RequestMemory, str | None], Awaitable[bytes]]

_logger = logging.getLogger("carryover.serving")


class RpcHandler:
    """Receives the requests of a method, and sends their responses or errors.

    Clients call the method with one message and get one. Here it is a method of two streams, which
    are the same on the wire: only then does gRPC leave it to the server when a message is received,
    for which it takes memory, and say when the response has been handed over.
    """

    def __init__(
        self,
        name: str,
        respond: Respond,
        slots: ReceivingSlots,
        budget: MemoryBudget,
        metrics: ServerMetrics,
    ) -> None:
        """Create a handler.

        Args:
            name: Name of the method.
            respond: Function that returns the response to a message.
            slots: Messages that may be received at a time.
            budget: Memory of all requests.
            metrics: Metrics of the server.
        """
        self._name, self._respond = name, respond
        self._slots, self._budget, self._metrics = slots, budget, metrics

    async def handle(self, _requests: object, context: Any) -> None:
        """Handle a call, see `grpc.stream_stream_rpc_method_handler`.

        Args:
            _requests: Iterator over the messages, which `context` reads.
            context: Context of the call, see `grpc.aio.ServicerContext`.
        """
        code, details, started = grpc.StatusCode.INTERNAL, "", time.perf_counter()
        try:
            code, details = await self._respond_or_explain(context)
        except asyncio.CancelledError:
            left = context.time_remaining()
            is_late = left is not None and left <= 0
            code = grpc.StatusCode.DEADLINE_EXCEEDED if is_late else grpc.StatusCode.CANCELLED
            raise
        finally:
            self._metrics.count_rpc(self._name, code.name)
            if self._name == "Predict":
                self._metrics.time_predict(time.perf_counter() - started)
        if code is not grpc.StatusCode.OK:
            await context.abort(code, details[:MAX_DETAILS])

    async def _respond_or_explain(self, context: Any) -> tuple[grpc.StatusCode, str]:
        """Send the response, or return the code and the message of the error."""
        try:
            domain = _read_domain(context)
            with RequestMemory(self._budget) as memory:
                message = await self._slots.receive(context.read)
                if message is grpc.aio.EOF:  # gRPC itself has responded to one that is too large
                    return grpc.StatusCode.INVALID_ARGUMENT, "the request has no message"
                memory.keep(len(message))
                response = await self._respond(message, memory, domain)
                memory.keep(len(response))
                await context.write(response)
        except RequestError as error:
            return CODES[error.status], error.message
        except Exception:
            if context.cancelled() or context.done():
                return grpc.StatusCode.CANCELLED, "the client has disconnected"
            _logger.exception("a gRPC request failed")
            return grpc.StatusCode.INTERNAL, "internal error, see the server's log"
        return grpc.StatusCode.OK, ""


def _read_domain(context: Any) -> str | None:
    """Return the domain that a call names in its metadata, see `read_client_domain`."""
    pairs = context.invocation_metadata() or ()
    return read_client_domain([value.encode() for key, value in pairs if key == DOMAIN_HEADER])
