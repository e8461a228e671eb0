"""The gRPC server in a thread of this process, with models that need no SavedModel."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app_in_thread import LABELS, FirstBytesModel
from grpc_client import GrpcClient

from pipeline.serving.batcher import Batcher
from pipeline.serving.decoding.decoder_pool import DecoderPool
from pipeline.serving.grpc_api.grpc_api import GrpcApi
from pipeline.serving.grpc_api.grpc_server import GrpcServer
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.open_requests import OpenRequests
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.model_lookup import ModelLookup
from pipeline.serving.predict_service import PredictService
from pipeline.serving.server_metrics import ServerMetrics


class SlowModel(FirstBytesModel):
    """A model whose signature `slow` waits for `finish`; it keeps the sizes of its batches."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.inputs["slow"] = "image"
        self.signatures["slow"] = self.signatures["serving_default"]
        self.calls: list[int] = []
        self.finish = threading.Event()

    def call(self, signature: str, instances: list[bytes]) -> dict[str, Any]:
        self.calls.append(len(instances))
        if signature == "slow":
            self.finish.wait(30)
        return super().call(signature, instances)


@dataclass
class GrpcInThread:
    """A running server.

    Attributes:
        client: Client of the model `shapes`, whose versions 1 and 2 are loaded.
        metrics: Metrics of the server.
        address: Host and port.
        versions: Loaded versions.
    """

    client: GrpcClient
    metrics: ServerMetrics
    address: str
    versions: LoadedVersions[Any]


@contextlib.contextmanager
def run_grpc(
    open_requests: OpenRequests | None = None, budget: MemoryBudget | None = None
) -> Iterator[GrpcInThread]:
    """Run the gRPC API of a model `shapes` on a free port of the loopback."""
    versions: LoadedVersions[Any] = LoadedVersions(lambda: [1, 2], SlowModel)
    versions.update()
    metrics = ServerMetrics(lambda: 2)
    budget = budget or MemoryBudget(2**30)
    decoders = DecoderPool(budget)
    service = PredictService(Batcher(budget, on_batch=metrics.count_batch), decoders)
    lookup, open_requests = ModelLookup("shapes", versions, LABELS), open_requests or OpenRequests()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    server = GrpcServer(GrpcApi(lookup, service, open_requests), address, budget, metrics)
    loop, started, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def run() -> None:
        await server.start()
        started.set()
        await stop.wait()
        await server.stop(1)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert started.wait(30)
        with GrpcClient(address, "shapes") as client:
            yield GrpcInThread(client, metrics, address, versions)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
        decoders.stop()
