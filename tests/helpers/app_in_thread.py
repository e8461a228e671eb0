"""The server's app in a thread of this process, with models that need no TensorFlow."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import uvicorn
from rest_client import RestClient

from pipeline.serving import rest_api
from pipeline.serving.app import create_app
from pipeline.serving.batcher import Batcher
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.rest_api import RestApi
from pipeline.serving.server_metrics import ServerMetrics


class FirstBytesModel:
    """A model whose outputs are its version and the first bytes of every instance."""

    def __init__(self, number: int) -> None:
        self.number, self.labels = number, ["<i>"]
        self.inputs = {"serving_default": "image", "broken": "image"}
        self.signatures = {"serving_default": {"method_name": "tensorflow/serving/predict"}}

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
def run_app() -> Iterator[AppInThread]:
    """Run the app of a model `shapes` with two versions on a free port of the loopback."""
    directory = [1, 2]
    versions: LoadedVersions[Any] = LoadedVersions(lambda: directory, FirstBytesModel)
    metrics = ServerMetrics(lambda: versions.newest() or 0)
    batcher = Batcher(rest_api.MAX_INSTANCES, 10**8, metrics.count_batch)
    app = create_app(RestApi("shapes", versions, batcher), metrics)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
    # Connections wait in the backlog of the socket until the server accepts them.
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        client = RestClient(f"http://127.0.0.1:{port}", "shapes")
        yield AppInThread(client, directory, versions, port)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
