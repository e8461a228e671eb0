"""The server's app in a thread of this process, with models that need no TensorFlow."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from rest_client import RestClient
from starlette.applications import Starlette

from components.pusher.version_store import VersionStore
from pipeline.overview.overview_routes import overview_routes
from pipeline.overview.server_facts import MonitorReading, ServerFacts
from pipeline.serving.app import create_app
from pipeline.serving.batcher import Batcher
from pipeline.serving.decoding.decoder_pool import DecoderPool
from pipeline.serving.limits.connection_limits import ConnectionLimits
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.open_requests import OpenRequests
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.model_lookup import ModelLookup
from pipeline.serving.predict_service import PredictService
from pipeline.serving.rest_api import RestApi
from pipeline.serving.rest_predict import RestPredict
from pipeline.serving.server import http_config
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.web.allowed_hosts import AllowedHosts

#: Labels of the versions 1 and 2, of a version that does not exist, and of the newest.
LABELS = {"stable": 1, "gone": 7, "canary": "newest"}


class FirstBytesModel:
    """A model whose outputs are its version and the first bytes of every instance."""

    def __init__(self, number: int) -> None:
        self.number, self.labels = number, ["<i>"]
        self.inputs = {"serving_default": "image", "broken": "image"}
        signature = {
            "method_name": "tensorflow/serving/predict",
            "inputs": {"image": {"dtype": "DT_STRING"}},
            "outputs": {"start_bytes": {"dtype": "DT_STRING"}, "version": {"dtype": "DT_INT64"}},
        }
        self.signatures = dict.fromkeys(self.inputs, signature)

    def call(self, signature: str, instances: list[bytes]) -> dict[str, Any]:
        """See `ServedModel`; the signature `broken` fails."""
        if signature == "broken":
            raise RuntimeError("secret")
        starts = np.array([instance[:4] for instance in instances], object)
        return {"start_bytes": starts, "version": np.full(len(instances), self.number)}


@dataclass
class AppInThread:
    """A running app.

    Attributes:
        client: Client of the app.
        directory: Numbers of the versions in the directory; tests may change it.
        versions: Loaded versions of the app, none at first.
        port: Port that the app listens on.
    """

    client: RestClient
    directory: list[int]
    versions: LoadedVersions[Any]
    port: int


@contextlib.contextmanager
def run_app(
    limits: ConnectionLimits | None = None,
    budget: MemoryBudget | None = None,
    hosts: AllowedHosts | None = None,
    open_requests: OpenRequests | None = None,
    workspace: Path = Path("no workspace"),
    is_shown: bool = True,
    shadow: dict[str, Any] | None = None,
    monitor: MonitorReading | None = None,
) -> Iterator[AppInThread]:
    """Run the app of a model `shapes` with two versions on a free port of the loopback.

    Args:
        limits: Limits on the connections, by default those of the server.
        budget: Memory of all requests, by default 1 GiB.
        hosts: Names of the server, by default `localhost` alone.
        open_requests: Count of open requests, by default with the server's limit.
        workspace: Folder of the workspace that the page tells about; by default there is none.
        is_shown: Whether clients see what is in it.
        shadow: What the page tells of a version in shadow, see `describe_shadow`.
        monitor: What the page tells of `carryover monitor`, by default that it never looked.
    """
    directory = [1, 2]
    versions: LoadedVersions[Any] = LoadedVersions(lambda: directory, FirstBytesModel)
    metrics = ServerMetrics(lambda: versions.serving() or 0)
    budget = budget or MemoryBudget(2**30)
    decoders = DecoderPool(budget)
    service = PredictService(Batcher(budget, on_batch=metrics.count_batch), decoders)
    predictions, open_requests = RestPredict(service, budget), open_requests or OpenRequests()
    lookup = ModelLookup("shapes", versions, LABELS)
    rest_api = RestApi(lookup, predictions, budget, open_requests)
    store = VersionStore(workspace, lookup.name)
    reading = monitor or MonitorReading()
    pages = overview_routes(
        store, lambda: ServerFacts(versions.serving(), "", shadow, reading), is_shown
    )
    app = create_app(rest_api, metrics, hosts or AllowedHosts([]), pages)
    try:
        with run_http(app, metrics, limits or ConnectionLimits()) as port:
            client = RestClient(f"http://127.0.0.1:{port}", "shapes")
            yield AppInThread(client, directory, versions, port)
    finally:
        predictions.stop()
        decoders.stop()


@contextlib.contextmanager
def run_http(app: Starlette, metrics: ServerMetrics, limits: ConnectionLimits) -> Iterator[int]:
    """Run an app as `carryover serve` does, on a free port of the loopback; yield the port."""
    server = uvicorn.Server(http_config(app, metrics, limits))
    # Connections wait in the backlog of the socket until the server accepts them.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
