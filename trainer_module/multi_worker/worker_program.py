"""Program of one process in a training of several processes, see `multi_worker`.

It reads a `TrainingJob` from its standard input, logs to its standard output, and ends when the
process that started it ends.
"""

import ctypes
import logging
import signal
import sys
import tempfile
import traceback

from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name
from trainer_module.multi_worker.multi_worker import BAD_INPUT, WORKER_LOST, TrainingJob
from trainer_module.multi_worker.tf_config import read_cluster

#: Option of prctl(2): signal that this process gets when its parent ends.
PR_SET_PDEATHSIG = 1


class _LineFormatter(logging.Formatter):
    """Formatter of messages on one line, printable whatever names are in them."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return printable_name(super().format(record))


def main() -> None:
    """Train; only the chief keeps the model."""
    ours = logging.getLogger("carryover")
    ours.setLevel(logging.INFO)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_LineFormatter())
    ours.addHandler(handler)
    _end_with_parent()
    job = TrainingJob.model_validate_json(sys.stdin.read())  # fails if the parent has ended already
    import tensorflow as tf

    from trainer_module.training import run_fn

    with tempfile.TemporaryDirectory() as folder:
        if not read_cluster().is_chief:
            # Folders of its own: workers on one machine would overwrite each other's activations
            # and logs.
            own = {"serving_model_dir": f"{folder}/model", "model_run_dir": f"{folder}/run"}
            job = job.model_copy(update=own)
        try:
            run_fn(job)
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError):
            traceback.print_exc()
            sys.exit(WORKER_LOST)


def _end_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, for whatever reason.

    TensorFlow waits for other workers in C++ code that blocks all Python threads, so no thread
    could watch the parent. See prctl(2).
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        print(error)
        sys.exit(BAD_INPUT)
