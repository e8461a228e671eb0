"""Program that runs a module of the product, which can build `tiny_backbone`.

Usage: `python with_tiny_backbone.py MODULE ARGUMENTS...`, with the dotted name of the module. The
processes of a training with several workers can build the backbone, too.
"""

import runpy
import sys
from unittest import mock

from repository import ROOT

sys.path.append(str(ROOT))

from tiny_backbone import tiny_backbone


def run_module(module: str) -> None:
    """Run a module as a program, with the arguments in `sys.argv`."""
    from trainer_module.multi_worker import multi_worker

    with tiny_backbone(), mock.patch.object(multi_worker, "isolated_module", command_line):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def command_line(module: str) -> list[str]:
    """Return the command line that runs a module by this program."""
    return [sys.executable, "-u", __file__, module]


if __name__ == "__main__":
    del sys.argv[0]
    run_module(sys.argv[0])
