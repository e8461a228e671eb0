"""The first components of a pipeline, for commands that look at pictures and push nothing."""

import contextlib
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from pipeline.beam.beam_runner_check import check_beam_runner
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import take_snapshot
from pipeline.logs.captured_output import captured_output, relayed_messages
from pipeline.running.progress_display import ProgressDisplay
from pipeline.running.run import Run
from pipeline.running.run_failure import first_input_error, run_error
from pipeline.workspace import Workspace, check_outside_data


@contextlib.contextmanager
def partial_run(command: str, config: RunConfig, output: Path) -> Iterator[Run]:
    """Start a run of some components, with its progress on the terminal.

    If the config names a workspace, the run shares its cache with other runs there, in both
    directions. Otherwise the run has a temporary workspace.

    Args:
        command: Name of the command, for the terminal and the log.
        config: Config of the run that the user is preparing.
        output: Folder for the files that the command writes. When a component fails, the log is
            copied there, because a temporary workspace is removed.

    Yields:
        The run. The block launches its components.

    Raises:
        InputError: The pictures or the config are unusable, or the workspace is in use.
        RunFailedError: A component failed.
    """
    with _workspace(config) as config:
        check_outside_data(config)
        check_beam_runner(config.beam)
        workspace = Workspace(config.workspace)
        output.mkdir(parents=True, exist_ok=True)
        with workspace.lock():
            snapshot = take_snapshot(config.data, workspace.inputs)
            log = workspace.log(command)
            with captured_output(log) as console:
                progress = ProgressDisplay(console)
                progress.title(f"{command} {config.data}: {snapshot.files:,} files")
                run = Run(command, config, workspace, snapshot, progress, output.resolve())
                try:
                    with relayed_messages(progress.message):
                        yield run
                except Exception as error:
                    traceback.print_exc()  # stderr is the log here
                    copy = output / f"{command}.log"
                    if first_input_error(error) is None:
                        copy.write_bytes(log.read_bytes())
                    raise run_error(run.step, error, copy) from error


@contextlib.contextmanager
def _workspace(config: RunConfig) -> Iterator[RunConfig]:
    """Yield the config with absolute paths, and with a temporary workspace if it names none."""
    if "workspace" in config.model_fields_set:
        yield config.resolved()
        return
    with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
        yield config.model_copy(update={"workspace": Path(folder)}).resolved()
