"""Beam's runner for this machine, with workers that the working directory has no influence on.

`tests/components/compat/test_isolated_runner.py` fails when a new Beam moves any of what is used
here.
"""

import shlex

from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from trainer_module.contract.child_process import isolated_module


class IsolatedRunner(FnApiRunner):  # type: ignore[misc]  # Beam has no types
    """Runs a pipeline in several processes of this machine.

    Beam's mode `multi_processing` starts them with `python -m` in the working directory, and hands
    the path of Python to a shell as it is.
    """

    def __init__(self) -> None:
        """Set the command line of the workers."""
        command = shlex.join(isolated_module("apache_beam.runners.worker.sdk_worker_main"))
        super().__init__(default_environment=SubprocessSDKEnvironment.from_command_string(command))
