"""The gRPC server, beside the HTTP server and in the same event loop."""

from dataclasses import dataclass, field
from typing import Any

import grpc

from pipeline.serving.grpc_api.grpc_api import GrpcApi
from pipeline.serving.grpc_api.rpc_handler import RpcHandler
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.receiving_slots import ReceivingSlots
from pipeline.serving.limits.request_body import MAX_BODY
from pipeline.serving.server_metrics import ServerMetrics
from trainer_module.contract.errors import InputError

#: Most calls at a time, in all connections together; gRPC refuses others with RESOURCE_EXHAUSTED.
MAX_CALLS = 512

OPTIONS = [
    # Otherwise a second server could listen on the same port, and would get half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_BODY),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 32 * 2**10),
    ("grpc.max_concurrent_streams", 128),
    # Otherwise gRPC buffers megabytes of messages that nothing has asked for yet.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
]


@dataclass
class GrpcServer:
    """gRPC server of one model, without encryption.

    Attributes:
        api: Methods of the API.
        address: Host and port to listen on.
        budget: Memory of all requests.
        metrics: Metrics of the server.
    """

    api: GrpcApi
    address: str
    budget: MemoryBudget
    metrics: ServerMetrics
    _server: Any = field(default=None, init=False)

    async def start(self) -> None:
        """Listen and accept calls.

        Raises:
            InputError: The address is unavailable.
        """
        self._server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=MAX_CALLS)
        self._add_methods()
        try:
            self._server.add_insecure_port(self.address)
        except RuntimeError:
            raise InputError(
                f"cannot listen on {self.address}: the address is in use. Give another --grpc-port."
            ) from None
        await self._server.start()

    def _add_methods(self) -> None:
        slots = ReceivingSlots.within(self.budget.total)
        services = {
            "PredictionService": {
                "Predict": self.api.predict,
                "GetModelMetadata": self.api.get_model_metadata,
            },
            "ModelService": {"GetModelStatus": self.api.get_model_status},
        }
        for service, methods in services.items():
            handlers = {
                name: grpc.stream_stream_rpc_method_handler(
                    RpcHandler(name, respond, slots, self.budget, self.metrics).handle
                )
                for name, respond in methods.items()
            }
            self._server.add_generic_rpc_handlers(
                [grpc.method_handlers_generic_handler(f"tensorflow.serving.{service}", handlers)]
            )

    async def stop(self, seconds: float) -> None:
        """Accept no more calls, and complete the open ones.

        Args:
            seconds: Time after which those that are still open get the code UNAVAILABLE.
        """
        if self._server is not None:
            await self._server.stop(seconds)
