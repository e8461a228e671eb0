"""The ASGI app of the page on which labels are given."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.labelling.labelling_session import OPEN, LabellingSession
from pipeline.labelling.picture_content import displayable_picture
from pipeline.labelling.picture_list import is_unchanged
from pipeline.labelling.proposals import Proposals
from pipeline.web.allowed_hosts import AllowedHosts
from pipeline.web.error_handlers import ERROR_HANDLERS
from pipeline.web.json_response import as_json, error_response
from pipeline.web.page_response import page_response
from pipeline.web.request_errors import RequestError
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.printable_names import printable_name

#: Largest body of a request, in bytes. The longest one holds the name of a class.
MAX_BODY = 16 * 2**10

_FILES = Path(__file__).with_name("page")


@dataclass(frozen=True)
class Labelling:
    """What the page is about.

    Attributes:
        session: Decisions about the pictures.
        proposals: Proposals for them.
        folder: Folder of the pictures.
        output: Folder of the batch.
        finish: Function that writes the batch, and returns lines for people.
        stop: Function that stops the server.
        only_labelled: Whether pictures without a label are left out of the batch.
    """

    session: LabellingSession
    proposals: Proposals
    folder: Path
    output: Path
    finish: Callable[[], list[str]]
    stop: Callable[[], None]
    only_labelled: bool = False


class GuardMiddleware:
    """ASGI middleware that refuses requests for another host, or without the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Wrap an app.

        Args:
            app: ASGI app.
            token: First level of every path.
        """
        self._app, self._token, self._hosts = app, token.encode(), AllowedHosts([])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, see the ASGI specification."""
        if scope["type"] == "http":
            error = self._hosts.find_error(scope["headers"])
            given = scope["path"].partition("/")[2].partition("/")[0].encode()
            if error or not secrets.compare_digest(given, self._token):
                refusal = error_response(
                    error.status if error else 404, "open the address that the terminal shows"
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def create_label_app(labelling: Labelling, token: str) -> Starlette:
    """Create the ASGI app.

    Args:
        labelling: What the page is about.
        token: First level of every path: without it nobody reads a picture or decides.
    """
    handlers = _Handlers(labelling)
    routes = [
        Route("/", handlers.page),
        Route("/state", handlers.state),
        Route("/proposals", handlers.proposals),
        Route("/pictures/{id}", handlers.picture),
        Route("/decisions", handlers.decide, methods=["POST"]),
        Route("/undo", handlers.undo, methods=["POST"]),
        Route("/classes", handlers.add_class, methods=["POST"]),
        Route("/finish", handlers.finish, methods=["POST"]),
    ]
    return Starlette(
        routes=[Mount(f"/{token}", routes=routes)],
        middleware=[Middleware(GuardMiddleware, token=token)],
        exception_handlers=ERROR_HANDLERS | {InputError: _on_input_error},
    )


class _Handlers:
    """Handlers of requests. Those that touch files are no coroutines: they run in threads."""

    def __init__(self, labelling: Labelling) -> None:
        self._labelling, self._session = labelling, labelling.session

    def page(self, request: Request) -> Response:
        name = printable_name(self._labelling.folder.name)
        return page_response(_FILES, {"name": name}, "'self' data:", ("script.js", "controls.js"))

    def state(self, request: Request) -> Response:
        """Return all that the page shows, but the proposals."""
        return as_json(
            {
                "classes": self._session.classes(),
                "output": printable_name(str(self._labelling.output)),
                "only_labelled": self._labelling.only_labelled,
                "pictures": [
                    {
                        "id": one.id,
                        "domain": printable_name(one.domain),
                        "name": printable_name(one.inner),
                        "is_chosen": one.is_chosen,
                    }
                    | self._decision(one.id)
                    for one in self._session.pictures.values()
                ],
            }
        )

    def proposals(self, request: Request) -> Response:
        """Return the proposals after those that the page has, and all ids without any."""
        proposals = self._labelling.proposals
        is_running = proposals.is_running
        found = proposals.after(_number(request.query_params.get("after", "0")))
        return as_json(
            {
                "proposals": [one._asdict() for one in found],
                "unreadable": self._session.unreadable(),
                "is_running": is_running,
                "has_failed": proposals.has_failed,
            }
        )

    def picture(self, request: Request) -> Response:
        picture = self._session.pictures.get(request.path_params["id"])
        if picture is None:
            raise RequestError(404, "there is no such picture")
        try:
            content, media_type = displayable_picture(self._labelling.folder / picture.path)
        except UnusablePictureError as error:
            reason = printable_name(str(error))
            self._session.mark_unreadable(picture.id, reason)
            raise RequestError(415, reason) from None
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=media_type, headers=headers)

    async def decide(self, request: Request) -> Response:
        body = await _read_body(request, "id", "kind", "label")
        await run_in_threadpool(self._decide, body["id"], body["kind"], body["label"])
        return as_json(self._decision(body["id"]))

    async def undo(self, request: Request) -> Response:
        picture = await run_in_threadpool(self._session.undo)
        return as_json({"id": picture} | self._decision(picture) if picture else {})

    async def add_class(self, request: Request) -> Response:
        body = await _read_body(request, "name")
        name = await run_in_threadpool(self._session.add_class, body["name"])
        return as_json({"name": name, "classes": self._session.classes()})

    async def finish(self, request: Request) -> Response:
        lines = await run_in_threadpool(self._labelling.finish)
        self._labelling.stop()  # the server completes this response first
        return as_json({"lines": [printable_name(line) for line in lines]})

    def _decide(self, picture: str, kind: str, label: str) -> None:
        listed = self._session.pictures.get(picture)
        if listed and not is_unchanged(self._labelling.folder, listed):
            raise RequestError(
                409,
                "the file was changed or removed since the start. Go to another picture; to label "
                "this one, stop `carryover label` and start it again",
            )
        if listed and kind == "labelled":
            _check_readable(self._labelling.folder / listed.path)
        self._session.decide(picture, kind, label)

    def _decision(self, picture: str) -> dict[str, Any]:
        decision = self._session.decision(picture)
        if decision is None:
            return {"kind": OPEN, "label": "", "reason": ""}
        return {"kind": decision.kind, "label": decision.label, "reason": decision.reason}


def _check_readable(path: Path) -> None:
    """Refuse a label for a file that is no picture: nobody has seen what it shows."""
    try:
        displayable_picture(path)
    except UnusablePictureError as error:
        raise RequestError(
            409, f"the picture cannot be shown: {error}. Mark it as unusable, or skip it"
        ) from None


async def _on_input_error(request: Request, error: Exception) -> Response:
    """Respond with the message of an error that the person can mend."""
    return error_response(500 if isinstance(error, UnavailableError) else 400, str(error))


async def _read_body(request: Request, *names: str) -> dict[str, str]:
    """Return the texts of these names in the JSON object of a request.

    Raises:
        RequestError: The body is too large, or lacks one.
    """
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise RequestError(413, f"the body has more than {MAX_BODY:,} bytes")
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise RequestError(400, "the body is no JSON") from None
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in names):
        raise RequestError(400, f"the body is no object with {', '.join(names)}")
    return body


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise RequestError(400, "after is no number")
    return int(text)
