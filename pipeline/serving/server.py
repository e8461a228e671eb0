"""Runs the server of a workspace's model until it is told to stop."""

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

from components.image_example_gen.pictures import MAX_PIXELS
from pipeline.predicting.prediction import import_tensorflow_quietly
from pipeline.serving.api import MAX_INSTANCES, Api
from pipeline.serving.app import Lifespan, create_app
from pipeline.serving.batching import Batcher
from pipeline.serving.loaded_versions import Versions
from pipeline.serving.served_model import ServedModel
from pipeline.serving.server_metrics import Metrics
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.errors import InputError

#: Seconds between two looks at the directory of versions, as TensorFlow Serving.
POLL = 1.0

#: Seconds that requests have to come to an end after SIGTERM.
DRAIN = 30

_logger = logging.getLogger("carryover.serving")


def serve(workspace: Path, name: str | None, host: str, port: int) -> None:
    """Answer over HTTP with the newest version of a model, and take over new ones.

    Returns after SIGTERM or Ctrl-C, when every request that had begun is answered.

    Args:
        workspace: whose model answers.
        name: of the model, see `find_store`.
        host: address to listen on.
        port: 0 takes one that is free.

    Raises:
        InputError: there is no such model, or the address cannot be had.
    """
    store = find_store(workspace, name)
    serving_version(store)
    listener = _bind(host, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn drains first, and then raises the signal again.
        signal.signal(number, lambda *_: sys.exit(0))
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("carryover").setLevel(logging.INFO)
    import_tensorflow_quietly()
    gc.freeze()  # what TensorFlow brought stays; looking through it takes a second each time
    versions = Versions(store.versions, lambda number: ServedModel(store.path(number), number))
    metrics = Metrics(lambda: versions.newest() or 0)
    api = Api(store.name, versions, Batcher(MAX_INSTANCES, MAX_PIXELS, metrics.count_batch))
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    lifespan = _following(versions, f"Model '{store.name}' answers on {address}")
    config = uvicorn.Config(
        create_app(api, metrics, lifespan),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listener])


def _bind(host: str, port: int) -> socket.socket:
    """An address of our own, on which nobody is listened to yet."""
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


def _following(versions: Versions[ServedModel], announcement: str) -> Lifespan:
    """While the app runs, the directory of versions is looked at."""

    @contextlib.asynccontextmanager
    async def following(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_follow(versions, announcement))
        try:
            yield
        finally:
            task.cancel()

    return following


async def _follow(versions: Versions[ServedModel], announcement: str) -> None:
    announced = False
    while True:
        try:
            await asyncio.to_thread(versions.look)
        except OSError:
            _logger.exception("the directory of versions cannot be read")
        if not announced and versions.newest() is not None:
            announced = True
            Console().print(announcement, highlight=False, soft_wrap=True, markup=False)
        await asyncio.sleep(POLL)
