"""Program that publishes to the targets of a job on stdin, and replies whether all is published.

The reply on stdout is JSON: whether the targets have everything, and the lines for the user.
"""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from components.pusher.version_store import VersionStore
from pipeline.config.publish_options import PublishOptions
from pipeline.logs.captured_output import captured_output
from pipeline.publishing.publishing import publish
from pipeline.terminal.standard_streams import prepare_streams


def main() -> None:
    """Publish, with the output of libraries in the log of the job."""
    prepare_streams()  # libraries log whole addresses; what looks like a credential is masked
    job = json.load(sys.stdin)
    signal.alarm(job["seconds"])  # it ends this process also where the one that started it is gone
    options = PublishOptions.model_validate(job["options"])
    lines: list[str] = []
    with captured_output(_writable(Path(job["log"]), lines)):
        store = VersionStore(Path(job["workspace"]), job["name"])
        is_complete = publish(options, store, lines.append, job["afresh"])
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps([is_complete, lines]), flush=True)


def _writable(log: Path, lines: list[str]) -> Path:
    """Return the log, or where it cannot be written, the device that drops everything."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.open("ab").close()
    except OSError as error:
        lines.append(
            f"{log} cannot be written: {error.strerror}. Errors of libraries are not logged."
        )
        return Path(os.devnull)
    return log


if __name__ == "__main__":
    main()
