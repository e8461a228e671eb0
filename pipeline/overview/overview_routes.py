"""Paths of the page of `carryover serve`. All of them only read."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from components.pusher.version_store import VersionStore
from pipeline.overview.kept_reading import KeptReading
from pipeline.overview.server_facts import ServerFacts
from pipeline.web.json_response import PART_BYTES, error_response
from pipeline.web.page_response import page_response
from pipeline.web.request_errors import RequestError
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.overview.traffic_history import TrafficHistory

#: Seconds for which what was read is kept.
KEPT_SECONDS = 5.0

#: Said to a page of a server that others can reach.
HIDDEN = (
    "What is in the workspace is shown only where the server listens on this machine alone, or is "
    "started with --show-workspace."
)

_FILES = Path(__file__).with_name("page")
_SCRIPTS = (
    *("script.js", "shadow.js", "alarms.js", "overview.js"),
    *("plots.js", "traffic.js", "predict.js"),
)

#: A report has no origin: even a changed one reaches nothing else on this server.
_REPORT_HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def overview_routes(
    store: VersionStore, facts: Callable[[], ServerFacts], is_shown: bool = True
) -> list[Route]:
    """Return the paths: the page, what it tells of the workspace, and reports of runs.

    Args:
        store: Versions of the model.
        facts: Function that returns what the page tells of the server; for the event loop.
        is_shown: Whether clients see anything but the page on which to try the model.
    """
    handlers = _Handlers(store, facts)
    page = render_page(store.name)

    async def show_page(request: Request) -> Response:
        return page

    async def refuse(request: Request) -> Response:
        return error_response(403, HIDDEN)

    return [
        Route("/", show_page),
        Route("/overview", handlers.overview if is_shown else refuse),
        Route("/traffic", handlers.traffic if is_shown else refuse),
        Route("/reports/{run_id}", handlers.report if is_shown else refuse),
    ]


def render_page(name: str) -> Response:
    """Return the page, see `page_response`.

    Args:
        name: Name of the model.
    """
    return page_response(_FILES, {"name": name}, "blob: data:", _SCRIPTS)


class _Handlers:
    """Handlers of requests. Files are read in threads of their own."""

    def __init__(self, store: VersionStore, facts: Callable[[], ServerFacts]) -> None:
        self._store, self._facts = store, facts
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="overview")
        self._overview = KeptReading(self._read_overview, KEPT_SECONDS)
        self._traffic = KeptReading(self._read_traffic, KEPT_SECONDS)
        self._history: TrafficHistory | None = None

    async def overview(self, request: Request) -> Response:
        return _json(await self._overview.get())

    async def traffic(self, request: Request) -> Response:
        return _json(await self._traffic.get())

    async def report(self, request: Request) -> Response:
        """Return the report of a run as it is on the disk, a part at a time."""
        from pipeline.overview.run_reports import open_report

        workspace = Workspace(self._store.root)
        try:
            file = await run_in_threadpool(open_report, workspace, request.path_params["run_id"])
        except FileNotFoundError:
            raise RequestError(404, "there is no such report") from None
        return StreamingResponse(_parts(file), media_type="text/html", headers=_REPORT_HEADERS)

    async def _read_overview(self) -> bytes:
        loop, facts = asyncio.get_running_loop(), self._facts()
        return await loop.run_in_executor(self._threads, _read_overview, self._store, facts)

    async def _read_traffic(self) -> bytes:
        from pipeline.overview.traffic_history import TrafficHistory

        self._history = history = self._history or TrafficHistory(
            self._store.root, self._store.name
        )
        loop, facts = asyncio.get_running_loop(), self._facts()
        try:
            return await loop.run_in_executor(
                self._threads, _read_traffic, history, self._store, facts
            )
        except asyncio.CancelledError:  # the server stops, and its threads must
            history.stop()
            raise


def _read_overview(store: VersionStore, facts: ServerFacts) -> bytes:
    # Imported when somebody looks, so that the server starts no later for it.
    from pipeline.overview.workspace_overview import WorkspaceOverview

    return orjson.dumps(WorkspaceOverview(store).read(facts))


def _read_traffic(history: "TrafficHistory", store: VersionStore, facts: ServerFacts) -> bytes:
    """Return what arrived, with the serving version and since when it serves."""
    from pipeline.overview.version_facts import find_since

    number = facts.version
    since = find_since(store, number, facts.promoted_at) if number else ""
    return orjson.dumps(history.read(number) | {"version": number, "since": since})


def _json(content: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/json", headers=headers)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while part := file.read(PART_BYTES):
            yield part
