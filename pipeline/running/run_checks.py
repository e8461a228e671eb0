"""Checks of a config before anything runs on this machine."""

from pipeline.beam.beam_runner_check import check_beam_runner
from pipeline.config.path_check import (
    check_data,
    check_inbox,
    check_outside_data,
    check_weights,
    check_workspace,
)
from pipeline.config.run_config import RunConfig
from pipeline.running.boundary_check import check_boundary


def check_config(config: RunConfig) -> None:
    """Refuse a config with which a component would fail, or whose paths contradict each other.

    Args:
        config: Config of a run, with absolute paths.

    Raises:
        InputError: See the checks.
    """
    check_workspace(config.workspace)
    check_data(config)
    check_outside_data(config)
    check_inbox(config)
    check_weights(config)
    check_boundary(config)
    check_beam_runner(config.beam)
