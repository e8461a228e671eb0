"""Training in several processes, on one machine or on many.

One process leads: it runs the pipeline. When that comes to training, the leader leaves an
invitation in a folder that all see, and the others take it up (`carryover join`). Everyone then
runs the same program, `worker_program`, in a process of its own, because TensorFlow must know of
the others before it does anything else. The leader's writes the model.
"""

import logging
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trainer_module.contract.errors import InputError
from trainer_module.contract.options_base import Options

logger = logging.getLogger("carryover.training")

#: Key of the trainer's custom config: the folder that all see.
RENDEZVOUS = "rendezvous"

INVITATION = "invitation.json"

#: Seconds that a follower's program has to end once the leader's has.
GRACE = 60.0

#: Exit codes of the program: bad input, and a worker that is gone. TensorFlow may also abort.
BAD_INPUT, WORKER_LOST = 2, 75
LOST = (WORKER_LOST, -signal.SIGABRT)

#: How often the leader invites before it gives up.
ATTEMPTS = 3


class TrainingJob(Options):
    """What TFX tells the trainer, see `training.run_fn`.

    Attributes:
        identity: of the invitation.
    """

    identity: str
    train_files: list[str]
    eval_files: list[str]
    base_model: str | None
    custom_config: dict[str, Any]
    serving_model_dir: str
    model_run_dir: str


def lead(fn_args: Any) -> None:
    """Train together with all that take up the invitation.

    Args:
        fn_args: TFX's `FnArgs`; its custom config names the folder that all see.

    Raises:
        InputError: the trainer refused the training.
        RuntimeError: it failed.
    """
    config = dict(fn_args.custom_config)
    folder = Path(config.pop(RENDEZVOUS))
    job = TrainingJob(
        identity="",
        train_files=list(fn_args.train_files),
        eval_files=list(fn_args.eval_files),
        base_model=fn_args.base_model,
        custom_config=config,
        serving_model_dir=fn_args.serving_model_dir,
        model_run_dir=fn_args.model_run_dir,
    )
    for attempt in range(1, ATTEMPTS + 1):
        logger.info("waiting for the other workers: carryover join, on each")
        code, last = _invite(folder, job.model_copy(update={"identity": uuid.uuid4().hex}))
        if code == 0:
            return
        if code == BAD_INPUT:
            raise InputError(last)
        if code not in LOST:
            raise RuntimeError("the training of several workers failed")
        logger.info("a worker was lost: attempt %s of %s is over", attempt, ATTEMPTS)
    raise RuntimeError("a worker was lost again and again, so the training failed")


def _invite(folder: Path, job: TrainingJob) -> tuple[int, str]:
    """Train with those who come; returns the exit code, and the last line that was said."""
    last = ""
    with _invitation(folder, job), _program(job) as process:
        for line in process.stdout or ():
            last = line.rstrip("\n")
            logger.info("%s", last)
        return process.wait(), last


def follow(folder: Path, say: Callable[[str], None], poll: float = 1.0) -> None:
    """Take up every invitation, one after the other, until this process is ended.

    Args:
        folder: that the leader leaves them in.
        say: shows a line.
        poll: seconds between two looks.
    """
    seen = ""
    while True:
        job = read_invitation(folder)
        if job is None or job.identity == seen:
            time.sleep(poll)
            continue
        seen = job.identity
        say(f"joining a training on {len(job.train_files)} file(s)")
        with _program(job, stdout=None) as process:
            _wait_while_wanted(process, folder, seen, poll)
        say("the training has ended" if process.returncode == 0 else "the training has failed")


def read_invitation(folder: Path) -> TrainingJob | None:
    """The invitation that is open; None without one.

    Raises:
        InputError: it is of another version of this package.
    """
    try:
        text = (folder / INVITATION).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return TrainingJob.model_validate_json(text)
    except ValidationError:
        raise InputError(
            f"{folder / INVITATION} cannot be understood. Install the leader's version here."
        ) from None


def withdraw(folder: Path) -> None:
    """Take back an invitation that a leader left behind when it was killed."""
    (folder / INVITATION).unlink(missing_ok=True)


@contextmanager
def _invitation(folder: Path, job: TrainingJob) -> Iterator[None]:
    """There while it is open, and seen whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{INVITATION}.{job.identity}"
    draft.write_text(job.model_dump_json(), encoding="utf-8")
    draft.replace(folder / INVITATION)
    try:
        yield
    finally:
        withdraw(folder)


@contextmanager
def _program(
    job: TrainingJob, stdout: int | None = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """The training program, which ends with this process at the latest."""
    command = [sys.executable, "-m", "trainer_module.multi_worker.worker_program"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, text=True) as process:
        try:
            if process.stdin:
                with process.stdin:
                    process.stdin.write(job.model_dump_json())
            yield process
        finally:
            process.kill()


def _wait_while_wanted(
    process: subprocess.Popen[str], folder: Path, identity: str, poll: float
) -> None:
    """Until it has ended, or the leader has lost interest in it."""
    wanted_until = time.monotonic() + GRACE
    while process.poll() is None and time.monotonic() < wanted_until:
        job = read_invitation(folder)
        if job and job.identity == identity:
            wanted_until = time.monotonic() + GRACE
        elif job:
            return  # a new training: the old one is over
        time.sleep(poll)
