"""The first components of a pipeline, for commands that look at pictures and push nothing."""

import contextlib
import datetime
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.config.output_check import prepare_output_folder
from pipeline.config.path_check import check_workspace
from pipeline.config.run_config import RunConfig
from pipeline.inputs.layouts.layout import run_layout
from pipeline.inputs.snapshot import take_snapshot
from pipeline.logs.captured_output import captured_output, log_traceback, relayed_messages
from pipeline.running.reliable_interrupt import reliable_interrupt
from pipeline.running.run import Run
from pipeline.running.run_checks import check_config
from pipeline.running.run_failure import first_input_error, run_error
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted


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
        InputError: The pictures or the config are unusable, the workspace is in use, or the output
            folder is inside the data or cannot be written.
        RunFailedError: A component failed.
    """
    with _workspace(config) as config:
        check_config(config)
        workspace = Workspace(config.workspace)
        with _prepared_output(output, config.data), workspace.lock():
            snapshot = take_snapshot(
                config.data,
                workspace.inputs,
                run_layout(config),
                config.slice_columns,
            )
            log = workspace.log(command)
            with captured_output(log) as console:
                progress = ProgressDisplay(console)
                progress.title(f"{command} {config.data}: {counted(snapshot.files, 'file')}")
                for note in snapshot.notes:
                    progress.message(note)
                run_id = _new_run_id(command)
                run = Run(run_id, config, workspace, snapshot, progress, output.resolve())
                for earlier in run.lists.values():  # of another call with this output
                    earlier.unlink(missing_ok=True)
                try:
                    with relayed_messages(progress.message), reliable_interrupt():
                        yield run
                except Exception as error:
                    log_traceback()
                    copy = output / f"{command}.log"
                    if first_input_error(error) is None:
                        copy.write_bytes(log.read_bytes())
                    raise run_error(run.step, error, copy) from error


@contextlib.contextmanager
def _prepared_output(output: Path, data: str) -> Iterator[None]:
    """Create the folder of `--output`; bad input leaves no empty one behind."""
    if output.resolve().is_relative_to(data):
        raise InputError(
            f"output folder {output.resolve()} is inside the data folder {data}, where its files "
            "would be read as pictures. Give another one with --output DIR."
        )
    is_new = not output.exists()
    prepare_output_folder(output)
    try:
        yield
    except InputError:
        if is_new:
            with contextlib.suppress(OSError):  # it holds what the command has written
                output.rmdir()
        raise


def _new_run_id(command: str) -> str:
    """Return an id in ML Metadata that no earlier call in the workspace has.

    TFX skips a component that has succeeded in a run of the same id, whatever its inputs are now.
    """
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
    return f"{command}-{moment}-{secrets.token_hex(4)}"


@contextlib.contextmanager
def _workspace(config: RunConfig) -> Iterator[RunConfig]:
    """Yield the config with absolute paths, and with a temporary workspace if it names none."""
    if "workspace" in config.model_fields_set:
        yield config.resolved()
        return
    with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
        workspace = Path(folder).resolve()
        check_workspace(workspace, "Name another folder for temporary files in TMPDIR.")
        yield config.model_copy(update={"workspace": workspace}).resolved()
