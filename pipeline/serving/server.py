"""`carryover serve`: serve a workspace's model over HTTP until SIGTERM or Ctrl-C."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from components.image_example_gen.picture_reader import MAX_PIXELS
from pipeline.config.path_check import check_workspace
from pipeline.serving.app import Lifespan, create_app
from pipeline.serving.batcher import Batcher
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.rest_api import MAX_INSTANCES, RestApi
from pipeline.serving.served_model import ServedModel
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.errors import InputError

#: Seconds between two polls of the directory of versions, as in TensorFlow Serving.
POLL_SECONDS = 1.0

#: Seconds after SIGTERM in which open requests may complete.
SHUTDOWN_SECONDS = 30

_logger = logging.getLogger("carryover.serving")


def serve(workspace: Path, name: str | None, host: str, port: int) -> None:
    """Serve the newest version of a model over HTTP, and follow pushes and rollbacks.

    Returns after SIGTERM or Ctrl-C, when the open requests are complete.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.

    Raises:
        InputError: There is no such model, or the address is unavailable.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    serving_version(store)
    listener = _bind(host, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn completes the open requests first, and then raises the signal again.
        signal.signal(number, lambda *_: sys.exit(0))
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("carryover").setLevel(logging.INFO)
    import_tensorflow_quietly()
    gc.freeze()  # TensorFlow's modules stay; a garbage collection over them takes a second
    versions = LoadedVersions(
        store.versions, lambda number: ServedModel(store.path(number), number)
    )
    metrics = ServerMetrics(lambda: versions.newest() or 0)
    batcher = Batcher(MAX_INSTANCES, MAX_PIXELS, metrics.count_batch)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    lifespan = _poll_while_running(versions, f"Serving model '{store.name}' at {address}")
    config = uvicorn.Config(
        create_app(RestApi(store.name, versions, batcher), metrics, lifespan),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listener])


def _bind(host: str, port: int) -> socket.socket:
    """Bind the socket; connections are not accepted yet."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on {host}, port {port}: {reason}. Give another --port or --host."
        ) from None
    return listener


def _poll_while_running(versions: LoadedVersions[ServedModel], announcement: str) -> Lifespan:
    """Return a lifespan that polls the directory of versions while the app runs."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(poll_versions(versions, announcement))
        try:
            yield
        finally:
            task.cancel()

    return lifespan


async def poll_versions(versions: LoadedVersions[ServedModel], announcement: str) -> None:
    """Poll the directory of versions until the task is cancelled.

    Args:
        versions: Versions to update.
        announcement: Text to print as soon as a version is loaded.
    """
    announced = False
    while True:
        try:
            await asyncio.to_thread(versions.update)
        except OSError:
            _logger.exception("the directory of versions cannot be read")
        if not announced and versions.newest() is not None:
            announced = True
            Console().print(announcement, highlight=False, soft_wrap=True, markup=False)
        await asyncio.sleep(POLL_SECONDS)
