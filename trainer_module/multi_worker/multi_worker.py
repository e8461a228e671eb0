"""Training in several processes, on one machine or on many.

The chief runs the pipeline. When the pipeline reaches the training, the chief publishes a training
job in a folder that all machines share, and the workers (`carryover join`) take part in it. The
chief and every worker run `worker_program` in a process of its own, because TensorFlow must read
`TF_CONFIG` before it does anything else. The chief's process writes the model.
"""

import logging
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.child_process import isolated_module
from trainer_module.contract.errors import InputError
from trainer_module.contract.options_base import Options
from trainer_module.contract.output_text.wording import counted

logger = logging.getLogger("carryover.training")

#: Key of the Trainer's custom config: path of the shared folder in which jobs are published.
JOB_FOLDER = "job_folder"

#: Name of a published job in that folder.
JOB_FILE = "training_job.json"

#: Seconds that a worker's program may run after the chief has withdrawn the job.
GRACE = 60.0

#: Exit codes of the program: bad input, and a worker that was lost. TensorFlow may also abort.
BAD_INPUT, WORKER_LOST = 2, 75
LOST = (WORKER_LOST, -signal.SIGABRT)

#: Number of times that the chief starts a training before it gives up.
MAX_ATTEMPTS = 3


class TrainingJob(Options):
    """One training, with the arguments that TFX gives to the chief, see `training.run_fn`.

    Attributes:
        job_id: Unique id of this attempt.
    """

    job_id: str
    train_files: list[str]
    eval_files: list[str]
    base_model: str | None
    custom_config: dict[str, Any]
    serving_model_dir: str
    model_run_dir: str


def train_as_chief(fn_args: Any) -> None:
    """Publish a training job, take part in it as the chief, and try again if a worker is lost.

    Args:
        fn_args: TFX's `FnArgs`; its custom config names the shared folder, see `JOB_FOLDER`.

    Raises:
        InputError: The training refused its options or its data.
        RuntimeError: The training failed.
    """
    config = dict(fn_args.custom_config)
    folder = Path(config.pop(JOB_FOLDER))
    job = TrainingJob(
        job_id="",
        train_files=list(fn_args.train_files),
        eval_files=list(fn_args.eval_files),
        base_model=fn_args.base_model,
        custom_config=config,
        serving_model_dir=fn_args.serving_model_dir,
        model_run_dir=fn_args.model_run_dir,
    )
    for attempt in range(1, MAX_ATTEMPTS + 1):
        logger.info("waiting for the other workers: run carryover join on each of them")
        code, last_line = _train_once(folder, job.model_copy(update={"job_id": uuid.uuid4().hex}))
        if code == 0:
            return
        if code == BAD_INPUT:
            raise InputError(last_line)
        if code not in LOST:
            raise RuntimeError("the training of several workers failed")
        logger.info("a worker was lost: attempt %s of %s failed", attempt, MAX_ATTEMPTS)
    raise RuntimeError(f"the training failed: in each of {MAX_ATTEMPTS} attempts a worker was lost")


def _train_once(folder: Path, job: TrainingJob) -> tuple[int, str]:
    """Publish a job and run the chief's program; return its exit code and last line of output."""
    last_line = ""
    with _published(folder, job), _running_program(job) as process:
        for line in process.stdout or ():
            last_line = line.rstrip("\n")
            logger.info("%s", last_line)
        return process.wait(), last_line


def train_as_worker(folder: Path, show: Callable[[str], None], poll: float = 1.0) -> None:
    """Take part in every job that the chief publishes, until this process is stopped.

    Args:
        folder: Shared folder in which the chief publishes jobs.
        show: Function that shows a message to the user.
        poll: Seconds between two looks into the folder.

    Raises:
        InputError: The chief runs another version of this package.
    """
    last_id = ""
    while True:
        job = read_job(folder)
        if job is None or job.job_id == last_id:
            time.sleep(poll)
            continue
        last_id = job.job_id
        show(f"joining a training on {counted(len(job.train_files), 'file')}")
        with _running_program(job, stdout=None) as process:
            _wait_while_published(process, folder, last_id, poll)
        show("the training has ended" if process.returncode == 0 else "the training has failed")


def read_job(folder: Path) -> TrainingJob | None:
    """Return the published job, or None if there is none.

    Args:
        folder: Shared folder in which the chief publishes jobs.

    Raises:
        InputError: The chief runs another version of this package.
    """
    path = folder / JOB_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return TrainingJob.model_validate_json(text)
    except ValidationError:
        raise InputError(
            f"{path} is a job of another version of carryover. Install the chief's version here."
        ) from None


def withdraw_job(folder: Path) -> None:
    """Remove the published job, which a killed chief may have left behind.

    Args:
        folder: Shared folder in which the chief publishes jobs.
    """
    (folder / JOB_FILE).unlink(missing_ok=True)


@contextmanager
def _published(folder: Path, job: TrainingJob) -> Iterator[None]:
    """Publish a job while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / JOB_FILE, job.model_dump_json())
    try:
        yield
    finally:
        withdraw_job(folder)


@contextmanager
def _running_program(
    job: TrainingJob, stdout: int | None = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Run the training program while the block runs; it is killed at the end of the block."""
    command = isolated_module("trainer_module.multi_worker.worker_program")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, text=True) as process:
        try:
            if process.stdin:
                with process.stdin:
                    process.stdin.write(job.model_dump_json())
            yield process
        finally:
            process.kill()


def _wait_while_published(
    process: subprocess.Popen[str], folder: Path, job_id: str, poll: float
) -> None:
    """Wait until a program ends, another job is published, or the job is withdrawn for `GRACE`."""
    deadline = time.monotonic() + GRACE
    while process.poll() is None and time.monotonic() < deadline:
        job = read_job(folder)
        if job and job.job_id == job_id:
            deadline = time.monotonic() + GRACE
        elif job:
            return  # the chief has started another attempt
        time.sleep(poll)
