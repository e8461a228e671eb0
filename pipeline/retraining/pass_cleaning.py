"""Cleaning of the workspace after a run or a pass, see `retention` in the config."""

from functools import partial

from pipeline.config.run_config import RunConfig
from pipeline.logs.command_log import CommandLog
from pipeline.retention.cleaning import clean_workspace
from pipeline.retention.cleaning_table import describe_result
from pipeline.retraining.pending_batches import read_pending
from pipeline.running.run_failure import logged_reason
from pipeline.terminal.plain_lines import print_line
from pipeline.workspace import Workspace


def clean_after(config: RunConfig, log: CommandLog) -> None:
    """Clean the workspace as the config says, after a run or a pass has ended.

    A failure is a warning: what has ended well stays so, and the next cleaning does the rest.

    Args:
        config: Config of the run or the pass, with an absolute workspace.
        log: Log of the command, for the traceback of a failure.
    """
    keep = config.retention.keep
    if keep is None:
        return
    try:
        pending = partial(read_pending, config.workspace)
        result = clean_workspace(Workspace(config.workspace), keep, pending, config.name)
    except Exception as error:
        reason = logged_reason(error, log)
        print_line(f"carryover: warning: the workspace is not cleaned: {reason}", to_stderr=True)
        return
    if result.size:
        print_line(f"retention.keep={keep}: {describe_result(result)}")
