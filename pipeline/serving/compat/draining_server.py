"""Uvicorn with a deadline for its end.

Uvicorn replaces the handlers of SIGTERM and SIGINT while it runs, and does not document
`handle_exit`, the method that it installs instead.
"""

from types import FrameType

import uvicorn

from pipeline.serving.exit_deadline import ExitDeadline


class DrainingServer(uvicorn.Server):
    """Server that has ended some time after SIGTERM or Ctrl-C, whatever its requests do."""

    def __init__(self, config: uvicorn.Config, deadline: ExitDeadline) -> None:
        """Create a server that does not run yet.

        Args:
            config: Config of the server.
            deadline: Deadline that begins with the signal.
        """
        super().__init__(config)
        self._deadline = deadline

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end.

        Args:
            sig: Number of the signal.
            frame: Frame that it interrupted.
        """
        self._deadline.begin()
        super().handle_exit(sig, frame)
