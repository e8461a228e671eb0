"""Predictions of the serving model as proposals, computed by a process in the background."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.labelling.labelling_session import LabellingSession
from trainer_module.contract.child_process import isolated_module

_PROGRAM = "pipeline.labelling.proposal_program"


class Proposal(NamedTuple):
    """A predicted class.

    Attributes:
        picture: Id of the picture.
        label: Predicted class.
        confidence: Probability of the class, 0 to 1.
    """

    picture: str
    label: str
    confidence: float


class Proposals:
    """Proposals so far. A process computes them one batch after another; nobody waits for it."""

    def __init__(self) -> None:
        """Start with no proposals, and without a process."""
        self._proposals: list[Proposal] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        #: Whether further proposals are expected.
        self.is_running = False
        #: Whether the process has ended before the last picture.
        self.has_failed = False

    def after(self, number: int) -> list[Proposal]:
        """Return the proposals after the first ones, in the order in which they came.

        Args:
            number: Number of proposals that are known already.
        """
        return self._proposals[number:]

    def start(self, model: Path, session: LabellingSession, folder: Path) -> None:
        """Start the process.

        Args:
            model: Folder of the serving version.
            session: Decisions so far; pictures without one come first. It learns which files
                cannot be read.
            folder: Folder of the pictures.
        """
        order = sorted(session.pictures, key=lambda one: session.decision(one) is not None)
        self._process = subprocess.Popen(
            [*isolated_module(_PROGRAM), str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        paths = [str(folder / session.pictures[one].path) for one in order]
        self.is_running = True
        arguments = (self._process, order, paths, session)
        self._thread = threading.Thread(target=self._collect, args=arguments, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the process, if it runs."""
        if self._process and self._thread:
            self._process.kill()
            self._thread.join()

    def _collect(
        self,
        process: subprocess.Popen[bytes],
        order: list[str],
        paths: list[str],
        session: LabellingSession,
    ) -> None:
        """Send the paths, and take the replies until the process ends."""
        with process:
            assert process.stdin and process.stdout  # noqa: S101 - for the type checker
            # The process may have ended; then there are no replies.
            with contextlib.suppress(BrokenPipeError), process.stdin as jobs:
                jobs.write(json.dumps(paths).encode())
            num_replies = self._take(process.stdout, order, session)
        self.has_failed = num_replies < len(order)
        self.is_running = False

    def _take(self, replies: Iterable[bytes], order: list[str], session: LabellingSession) -> int:
        number = 0
        for number, line in enumerate(replies, start=1):
            picture, reply = order[number - 1], json.loads(line)
            if "reason" in reply:
                session.mark_unreadable(picture, reply["reason"])
            else:
                self._proposals.append(Proposal(picture, reply["label"], reply["confidence"]))
        return number
