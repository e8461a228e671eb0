"""The page of `carryover label` in a thread of this process, without TensorFlow."""

import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from pipeline.labelling.decision_journal import DecisionJournal
from pipeline.labelling.label_app import Labelling, create_label_app
from pipeline.labelling.label_server import page_config
from pipeline.labelling.labelling_session import LabellingSession
from pipeline.labelling.picture_list import list_pictures, picture_id
from pipeline.labelling.proposals import Proposal, Proposals
from pipeline.web.listening_socket import bind_socket

TOKEN = "secret"  # noqa: S105

JOURNAL = "labels.jsonl"


class FixedProposals(Proposals):
    """Proposals that are there from the start."""

    def __init__(self, proposals: Sequence[Proposal] = ()) -> None:
        super().__init__()
        self._proposals = list(proposals)


@dataclass
class LabelPage:
    """A running page.

    Attributes:
        root: Address of the server.
        session: Decisions so far.
        finished: One entry per batch that was written.
        token: First level of its paths.
    """

    root: str
    session: LabellingSession
    finished: list[bool]
    token: str = TOKEN

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"{self.root}/{self.token}/"

    def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers (in lower case) of a response."""
        return self._open(urllib.request.Request(self.address + path, headers=headers))  # noqa: S310

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of a response."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, content)  # noqa: S310
        status, text, _ = self._open(request)
        return status, json.loads(text)

    def _open(self, request: urllib.request.Request) -> tuple[int, bytes, dict[str, str]]:
        try:
            response = urllib.request.urlopen(request, timeout=30)  # noqa: S310
        except urllib.error.HTTPError as error:
            response = error
        with response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return response.status, response.read(), headers


@contextlib.contextmanager
def open_session(
    folder: Path, classes: Sequence[str] = (), **options: Any
) -> Iterator[LabellingSession]:
    """Open the session of a folder; its journal is beside the folder."""
    journal = DecisionJournal(folder.with_name(JOURNAL))
    try:
        root = folder.resolve()
        pictures = list_pictures(root, **options).pictures
        yield LabellingSession(root, pictures, list(classes), journal)
    finally:
        journal.close()


@contextlib.contextmanager
def run_label_page(
    folder: Path, classes: Sequence[str], proposed: dict[str, tuple[str, float]] | None = None
) -> Iterator[LabelPage]:
    """Serve the page of a folder on a free port of the loopback.

    Args:
        folder: Folder of the pictures.
        classes: Names of the classes.
        proposed: Predicted class and confidence by path.
    """
    listener = bind_socket("127.0.0.1", 0, "")
    listener.listen()  # connections wait until the server accepts them
    proposals = [Proposal(picture_id(path), *one) for path, one in (proposed or {}).items()]
    with open_session(folder, classes) as session:
        page = LabelPage(f"http://127.0.0.1:{listener.getsockname()[1]}", session, [])

        def finish() -> list[str]:
            page.finished.append(True)
            return ["Written to batch: 1 labelled pictures"]

        labelling = Labelling(
            session,
            FixedProposals(proposals),
            folder.resolve(),
            folder.with_name("batch"),
            finish=finish,
            stop=lambda: None,
        )
        server = uvicorn.Server(page_config(create_label_app(labelling, TOKEN)))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield page
        finally:
            server.should_exit = True
            thread.join(10)
