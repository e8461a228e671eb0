"""`carryover serve`: serve a workspace's model over HTTP until SIGTERM or Ctrl-C."""

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from components.pusher.version_files import describe_damages
from components.pusher.version_store import VersionStore
from pipeline.config.path_check import check_workspace
from pipeline.serving.app import Lifespan, create_app
from pipeline.serving.batcher import Batcher
from pipeline.serving.compat.draining_server import DrainingServer
from pipeline.serving.compat.limited_protocol import limited_protocol
from pipeline.serving.decoding.decoder_pool import DecoderPool
from pipeline.serving.exit_deadline import ExitDeadline
from pipeline.serving.limits.connection_limits import ConnectionLimits
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.memory_size import default_max_memory, parse_memory_size
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.predict_service import PredictService
from pipeline.serving.rest_api import RestApi
from pipeline.serving.served_model import ServedModel
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_store, recorded_damages, serving_version
from pipeline.web.allowed_hosts import AllowedHosts, is_loopback
from pipeline.web.listening_socket import bind_socket
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION

#: Seconds between two polls of the directory of versions, as in TensorFlow Serving.
POLL_SECONDS = 1.0

#: Seconds after SIGTERM in which open requests may complete.
DRAIN_SECONDS = 25

#: Seconds after SIGTERM at which the process has ended, whatever its threads do. Kubernetes kills a
#: process after as many, unless it is told otherwise.
SHUTDOWN_SECONDS = 30

#: Connections that wait to be accepted. They are accepted all at once, before the limit of
#: connections applies to them.
BACKLOG = 128

#: Seconds after which a thread that runs Python lets another one run, see `sys.setswitchinterval`.
#: The thread that reads and responds waits as long after each of its calls of the system.
SWITCH_SECONDS = 0.0005

_logger = logging.getLogger("carryover.serving")


def serve(
    workspace: Path,
    name: str | None,
    host: str,
    port: int,
    allowed_hosts: Sequence[str] = (),
    max_memory: str | None = None,
) -> None:
    """Serve the newest version of a model over HTTP, and follow pushes and rollbacks.

    Exits after SIGTERM or Ctrl-C: with code 0 when the open requests are complete, with code 1 if
    they are not within `SHUTDOWN_SECONDS`.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
        allowed_hosts: Names of this server, besides `localhost`, that requests may be for.
        max_memory: Most memory of all requests, see `parse_memory_size`; None for the default.

    Raises:
        InputError: There is no such model, the address is unavailable, or an argument is wrong.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    serving_version(store)
    budget = MemoryBudget(parse_memory_size(max_memory) if max_memory else default_max_memory())
    listener = bind_socket(host, port, "Give another --port or --host.")
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn completes the open requests first, and then raises the signal again.
        signal.signal(number, lambda *_: sys.exit(0))
    # What the server and its libraries log is for the terminal, not for the log of the command.
    logging.basicConfig(format="%(asctime)s %(message)s", force=True)
    logging.getLogger("carryover").setLevel(logging.INFO)
    hosts = choose_hosts(listener.getsockname()[0], allowed_hosts)
    import_tensorflow_quietly()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # TensorFlow's modules stay; a garbage collection over them takes a second
    versions = LoadedVersions(
        store.versions,
        lambda number: load_version(store, number),
        lambda number: identify_version(store, number),
    )
    metrics = ServerMetrics(lambda: versions.newest() or 0)
    batcher = Batcher(budget, on_batch=metrics.count_batch)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    lifespan = _poll_while_running(versions, f"Serving model '{store.name}' at {address}")
    service = PredictService(batcher, DecoderPool(budget), budget)
    rest_api = RestApi(store.name, versions, service, budget)
    config = http_config(
        create_app(rest_api, metrics, hosts, lifespan), metrics, ConnectionLimits()
    )
    DrainingServer(config, ExitDeadline(SHUTDOWN_SECONDS)).run(sockets=[listener])


def load_version(store: VersionStore, number: int) -> ServedModel:
    """Load a version, and warn if it has lost files that serving does not need.

    Args:
        store: Versions of the model.
        number: Number of the version.

    Raises:
        UnavailableError: The version has lost a file without which it cannot predict.
        Exception: TensorFlow cannot load it, see `ServedModel`.
    """
    folder = store.path(number)
    damages = recorded_damages(store, number)
    needed = [damage for damage in damages if damage.prevents_serving]
    if needed:
        raise UnavailableError(f"{describe_damages(folder, needed)}. {RESTORE_VERSION}")
    model = ServedModel(folder, number)
    if damages:
        _logger.warning(
            "%s. It serves; restore it before the next training", describe_damages(folder, damages)
        )
    return model


def identify_version(store: VersionStore, number: int) -> str:
    """Return what tells the model of a version from another model that gets its number later.

    That is the digest in its record; without a record, the time of the model's file; and "" if
    neither can be read.

    Args:
        store: Versions of the model.
        number: Number of the version.
    """
    with contextlib.suppress(InputError):
        return store.read_push(number).digest
    with contextlib.suppress(OSError):
        return str((store.path(number) / "saved_model.pb").stat().st_mtime_ns)
    return ""


def choose_hosts(address: str, names: Sequence[str]) -> AllowedHosts:
    """Return the names that requests may be for, and warn if others can reach the server.

    The names are checked if only this machine can reach the server, or if any are given.

    Args:
        address: Address in numbers that the server listens on.
        names: Names of this server, besides `localhost`.

    Raises:
        InputError: A name is not one.
    """
    is_local = is_loopback(address)
    hosts = AllowedHosts(names, is_checked=is_local or bool(names))
    if not is_local:
        _logger.warning(
            "listening on %s: whoever can reach this machine can use the model, and nothing is "
            "encrypted. Put a proxy in front of it%s",
            address,
            "" if names else ", and give the name of this server with --allowed-host NAME",
        )
    return hosts


def http_config(app: Starlette, metrics: ServerMetrics, limits: ConnectionLimits) -> uvicorn.Config:
    """Return the config of the HTTP server.

    Args:
        app: App of the model.
        metrics: Metrics of the server.
        limits: Limits on the connections.
    """
    return uvicorn.Config(
        app,
        http=limited_protocol(_fit_to_open_files(limits), metrics),
        ws="none",
        access_log=False,
        log_level="error",  # an attack is not logged line by line; the metrics count it
        use_colors=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _fit_to_open_files(limits: ConnectionLimits) -> ConnectionLimits:
    """Return limits that leave half of the files that the process may open to everything else."""
    max_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return replace(limits, connections=min(limits.connections, max_files // 2))


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
    announced, problem = False, ""
    while True:
        new_problem = ""
        try:
            await asyncio.to_thread(versions.update)
        except OSError as error:
            new_problem = f"the directory of versions cannot be read: {error}"
        if not announced and versions.newest() is not None:
            announced = True
            print_line(announcement)
        elif not announced and versions.states():
            new_problem = new_problem or "no version can be loaded; waiting for a new one"
        if new_problem != problem:
            problem = new_problem
            _logger.error(problem or "the directory of versions can be read again")
        await asyncio.sleep(POLL_SECONDS)
