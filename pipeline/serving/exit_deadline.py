"""End of the process after SIGTERM, whatever its threads do."""

import logging
import os
import signal
import threading
import time

#: Seconds after which the operating system ends the process if the thread of `ExitDeadline` cannot,
#: because another thread never lets Python run.
LAST_RESORT_SECONDS = 2

_logger = logging.getLogger("carryover.serving")


class ExitDeadline:
    """Ends the process with exit code 1 some time after `begin`, unless it has ended by then.

    Without it, a thread that is still in a call of the model keeps the process from ending.
    """

    def __init__(self, seconds: float) -> None:
        """Start the thread that waits for `begin`; at the end there might be no memory for one.

        Args:
            seconds: Time from `begin` to the end of the process.
        """
        self._seconds = seconds
        self._begun = threading.Event()
        threading.Thread(target=self._wait, name="exit-deadline", daemon=True).start()

    def begin(self) -> None:
        """Begin to count the time; only in the main thread. Further calls have no effect."""
        if not self._begun.is_set():
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, self._seconds + LAST_RESORT_SECONDS)
            self._begun.set()

    def _wait(self) -> None:
        self._begun.wait()
        time.sleep(self._seconds)
        _logger.error(
            "the server did not end within %g seconds of the signal; it is ended now, and the "
            "requests that are still open get no response",
            self._seconds,
        )
        os._exit(1)
