"""Arguments of Beam for the data components."""

import difflib
import os

from components.compat.beam_internals import FN_API_RUNNER, ISOLATED_RUNNER
from pipeline.config.beam_options import BeamOptions
from pipeline.identity.source_tree import ROOT
from trainer_module.contract.errors import InputError

#: Number of files from which `workers: auto` starts several processes. Every worker imports
#: TensorFlow again for every component, which takes some 17 s on 2 cores. One process reads 2,000
#: small pictures a second.
MIN_FILES_FOR_WORKERS = 200_000

#: Upper limit of `workers: auto`. A worker takes about 1 GiB of memory.
MAX_WORKERS = 8

#: Value of `beam.runner` -> Beam's name of the runner. For `direct` there are two, one for each
#: number of processes: Beam's DirectRunner may switch to a runner that it downloads.
RUNNERS = {
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
    "portable": "PortableRunner",
}

#: File that Beam builds our package from, to send it to workers. It exists in a checkout, but not
#: in a container image with the installed package.
SETUP_FILE = ROOT / "setup.py"


def beam_arguments(options: BeamOptions, files: int) -> list[str]:
    """Return the command-line arguments of Beam.

    With the direct runner and one worker, Beam runs in this process.

    Args:
        options: Options of Beam from the config.
        files: Number of files in the listing.

    Raises:
        InputError: Beam does not have an option, or workers would not get our package.
    """
    if options.runner != "direct":
        return [f"--runner={RUNNERS[options.runner]}", *_runner_arguments(options)]
    workers = _workers(files) if options.workers == "auto" else options.workers
    return [
        f"--runner={FN_API_RUNNER if workers == 1 else ISOLATED_RUNNER}",
        f"--direct_num_workers={workers}",
        # Without an argument that says how workers get the code, TFX builds a source package of
        # itself for every component, which takes 1.4 s. Workers on this machine do not need it.
        "--sdk_container_image=none",
    ]


def _runner_arguments(options: BeamOptions) -> list[str]:
    """Return the arguments for a runner on other machines, and check that Beam knows them."""
    from apache_beam.options.pipeline_options import PipelineOptions

    known = PipelineOptions([]).get_all_options()
    arguments = []
    for name, value in options.options.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise InputError(f"config key 'beam.options.{name}': Beam has no such option.{hint}")
        if value is True:
            arguments.append(f"--{name}")
        elif value is not False:
            arguments.append(f"--{name}={value}")
    if options.workers_have_code or "setup_file" in options.options:
        return arguments
    if not SETUP_FILE.exists():
        raise InputError(
            f"beam.runner {options.runner}: {SETUP_FILE} does not exist, so workers would not get "
            "this package. Name an image with the package in beam.options.sdk_container_image."
        )
    return [*arguments, f"--setup_file={SETUP_FILE}"]


def _workers(files: int) -> int:
    """Return the number of workers for `auto`: one per core for many files, otherwise 1."""
    return min(os.cpu_count() or 1, MAX_WORKERS) if files >= MIN_FILES_FOR_WORKERS else 1
