"""The beginning of a pipeline, for commands that look at pictures and push nothing."""

import contextlib
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import take_snapshot
from pipeline.running.beam_runner_check import check_engine
from pipeline.running.local_run import RunFailedError, check_workspace, first_input_error, last_line
from pipeline.running.logs import captured_output, relayed
from pipeline.running.run import Run
from pipeline.summary.terminal import Reporter
from pipeline.workspace import Workspace


@contextlib.contextmanager
def partial_run(command: str, config: RunConfig, output: Path) -> Iterator[Run]:
    """A run of some components, with progress on the terminal.

    Where the config names a workspace, it is used: what ran there before answers from the cache,
    and a later run starts with what this one made. Otherwise it is gone afterwards.

    Args:
        command: its name, for the terminal and the log.
        config: of the run that is meant.
        output: folder for what the command makes; a log is kept there when it fails.

    Raises:
        InputError: the pictures or the config cannot be used, or the workspace is in use.
        RunFailedError: a component failed.
    """
    with _workspace(config) as config:
        check_workspace(config)
        check_engine(config.beam)
        workspace = Workspace(config.workspace)
        output.mkdir(parents=True, exist_ok=True)
        with workspace.lock():
            snapshot = take_snapshot(config.data, workspace.inputs)
            log = workspace.log(command)
            with captured_output(log) as console:
                reporter = Reporter(console)
                reporter.title(f"{command} {config.data}: {snapshot.files:,} files")
                run = Run(command, config, workspace, snapshot, reporter, output.resolve())
                try:
                    with relayed(reporter.say):
                        yield run
                except Exception as error:
                    traceback.print_exc()  # stderr is the log now
                    if cause := first_input_error(error):
                        raise cause from error
                    kept = output / f"{command}.log"
                    kept.write_bytes(log.read_bytes())
                    raise RunFailedError(
                        f"{run.step} failed: {last_line(error)} (traceback: {kept})"
                    ) from error


@contextlib.contextmanager
def _workspace(config: RunConfig) -> Iterator[RunConfig]:
    if "workspace" in config.model_fields_set:
        yield config.resolved()
        return
    with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
        yield config.model_copy(update={"workspace": Path(folder)}).resolved()
