"""`carryover serve`: serve a workspace's model until SIGTERM or Ctrl-C."""

import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette

from components.pusher.promoted_version import shadow_file
from components.pusher.version_store import VersionStore
from pipeline.config.path_check import check_workspace
from pipeline.object_store.copy_origin import origin_of
from pipeline.overview.overview_routes import overview_routes
from pipeline.overview.server_facts import MonitorReading, ServerFacts
from pipeline.serving.app import create_app
from pipeline.serving.batcher import Batcher
from pipeline.serving.compat.draining_server import DrainingServer, Service
from pipeline.serving.compat.limited_protocol import limited_protocol
from pipeline.serving.decoding.decoder_pool import DecoderPool
from pipeline.serving.exit_deadline import ExitDeadline
from pipeline.serving.limits.connection_limits import ConnectionLimits
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.open_requests import OpenRequests
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.model_lookup import ModelLookup
from pipeline.serving.monitor_report.report_gauges import ReportGauges
from pipeline.serving.monitor_report.report_polling import ReportPolling
from pipeline.serving.predict_service import PredictService
from pipeline.serving.rest_api import RestApi
from pipeline.serving.rest_predict import RestPredict
from pipeline.serving.sampling.sampling_options import SamplingOptions
from pipeline.serving.sampling.traffic_sampler import TrafficSampler
from pipeline.serving.serve_options import ModelOptions, ServeOptions
from pipeline.serving.served_model import ServedModel
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.serving.shadow.shadow_metrics import ShadowMetrics
from pipeline.serving.shadow.shadow_serving import ShadowServing
from pipeline.serving.shadow.shadow_state import ShadowState, open_shadow_state
from pipeline.serving.version_loading import identify_version, load_version
from pipeline.serving.version_polling import VersionPolling
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.terminal.plain_lines import print_line
from pipeline.traffic.monitor_files import report_file
from pipeline.traffic.traffic_store import TrafficWriter, traffic_folder
from pipeline.version_lookup import find_store
from pipeline.web.allowed_hosts import AllowedHosts, is_loopback
from pipeline.web.listening_socket import bind_socket
from trainer_module.contract.printable_names import printable_name

if TYPE_CHECKING:
    from pipeline.serving.grpc_api.grpc_server import GrpcServer

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


def serve(workspace: Path, name: str | None, options: ServeOptions) -> None:
    """Serve the newest version of a model, and follow pushes and rollbacks.

    The ports are open as soon as a version is loaded.

    Exits after SIGTERM or Ctrl-C: with code 0 when the open requests are complete, with code 1 if
    they are not within `SHUTDOWN_SECONDS`.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        options: Options of the server.

    Raises:
        InputError: There is no such model, an address is unavailable, or an option is wrong.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    parsed, port = ModelOptions.parse(options, store), options.grpc_port
    if origin_of(store.root):
        parsed.check_read_only()
    state = open_shadow_state(shadow_file(store), parsed.shadow.is_on)
    listener = bind_socket(options.host, options.port, "Give another --port or --host.")
    # gRPC opens its own socket when it starts. Until then one that does not listen keeps the port.
    keeper = None
    if port is not None:
        keeper = bind_socket(options.host, port, "Give another --grpc-port or --host.")
    hosts = _prepare_process(listener, options.allowed_hosts)
    is_shown = options.show_workspace or is_loopback(listener.getsockname()[0])
    server = _create_server(store, parsed, state, hosts, listener, keeper, is_shown)
    server.run(sockets=[listener])


def _create_server(
    store: VersionStore,
    options: ModelOptions,
    state: ShadowState,
    hosts: AllowedHosts,
    listener: socket.socket,
    keeper: socket.socket | None,
    is_shown: bool,
) -> DrainingServer:
    """Return the server of a model.

    Args:
        store: Versions of the model.
        options: Options about them.
        state: State of the shadow, of the last server if this one has none.
        hosts: Names of the server that requests may be for.
        listener: Socket for HTTP.
        keeper: Socket with the address for gRPC; None for no gRPC.
        is_shown: Whether clients see what is in the workspace.
    """
    has_shadow = options.shadow.is_on
    versions = _create_versions(store, options.pinned, state if has_shadow else None)
    budget, metrics = options.budget, ServerMetrics(lambda: versions.serving() or 0)
    sampler = _create_sampler(store, options.sampling, budget, metrics)
    decoders, batcher = DecoderPool(budget), Batcher(budget, on_batch=metrics.count_batch)
    shadow = None
    if has_shadow:
        shadow = ShadowServing(store, versions, state, options.shadow, batcher, budget)
        metrics.add(ShadowMetrics(lambda: state.shadow))
    service = PredictService(batcher, decoders, sampler, shadow)
    lookup, open_requests = ModelLookup(store.name, versions, options.labels), OpenRequests()
    predictions = RestPredict(service, budget)
    for processes in (decoders, predictions):
        processes.start()  # they import their libraries while the model is loaded
    rest_api = RestApi(lookup, predictions, budget, open_requests)
    announcement = f"Serving model '{store.name}' at http://{format_address(listener)}"
    services: list[Service] = [VersionPolling(versions, shadow.follow if shadow else None)]
    reports = _create_report_polling(store, metrics) if is_shown else None
    if reports:
        services.append(reports)
    if keeper:
        address = format_address(keeper)
        services.append(
            _create_grpc_server(lookup, service, open_requests, budget, metrics, address)
        )
        announcement += f", and at {address} over gRPC"

    def facts() -> ServerFacts:
        return ServerFacts(
            versions.serving(),
            state.time_of_promotion(versions.serving()),
            shadow.describe() if shadow else None,
            reports.reading if reports else MonitorReading(),
        )

    pages = overview_routes(store, facts, is_shown)
    config = http_config(create_app(rest_api, metrics, hosts, pages), metrics, ConnectionLimits())

    async def finish() -> None:
        for part in (sampler, shadow):
            if part is not None:
                await part.close()

    deadline = ExitDeadline(SHUTDOWN_SECONDS)
    return DrainingServer(config, deadline, services, lambda: print_line(announcement), finish)


def _create_report_polling(store: VersionStore, metrics: ServerMetrics) -> ReportPolling:
    """Return what reads the reports of `carryover monitor`, for gauges that are added here."""
    gauges = ReportGauges()
    metrics.add(gauges)
    return ReportPolling(report_file(store.root, store.name), gauges)


def _create_versions(
    store: VersionStore, pinned: list[int], state: ShadowState | None
) -> LoadedVersions[ServedModel]:
    return LoadedVersions(
        store.versions,
        lambda number: load_version(store, number),
        lambda number: identify_version(store, number),
        pinned=pinned,
        promoted=lambda: state.promoted if state else None,
        is_refused=lambda number: bool(state and state.is_refused(number)),
    )


def _create_sampler(
    store: VersionStore,
    sampling: SamplingOptions | None,
    budget: MemoryBudget,
    metrics: ServerMetrics,
) -> TrafficSampler | None:
    """Return what keeps pictures in the workspace, and tell where; None if none are kept."""
    if sampling is None:
        return None
    folder = traffic_folder(store.root)
    _logger.info(
        "keeping %.3g %% of the pictures in %s, with their predictions",
        100 * sampling.rate,
        printable_name(str(folder)),
    )
    writer = TrafficWriter(folder, sampling.max_bytes)
    return TrafficSampler(writer, store.name, sampling.rate, sampling.domain, budget, metrics)


def _create_grpc_server(
    lookup: ModelLookup,
    service: PredictService,
    open_requests: OpenRequests,
    budget: MemoryBudget,
    metrics: ServerMetrics,
    address: str,
) -> "GrpcServer":
    """Return the gRPC server; its modules are imported only for those who want one."""
    # Otherwise gRPC writes lines about the errors of clients to stderr.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from pipeline.serving.grpc_api.grpc_api import GrpcApi
    from pipeline.serving.grpc_api.grpc_server import GrpcServer

    return GrpcServer(GrpcApi(lookup, service, open_requests), address, budget, metrics)


def format_address(listener: socket.socket) -> str:
    """Return the address of a socket as in a URL: host, and port.

    Args:
        listener: Bound socket.
    """
    host, port = listener.getsockname()[:2]
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def _prepare_process(listener: socket.socket, allowed_hosts: Sequence[str]) -> AllowedHosts:
    """Prepare signals, logs, TensorFlow and threads; return the names that requests may be for."""
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
    return hosts


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
