"""Beam's command line for the data components."""

import difflib
import os

from pipeline.config.beam_options import BeamOptions
from pipeline.running.fingerprint import ROOT
from trainer_module.contract.errors import InputError

#: Files from which `workers: auto` starts several processes. Every worker imports TensorFlow anew
#: for every component, some 17 s on 2 cores, while one process reads 2,000 small pictures a second.
MANY_FILES = 200_000

#: Each takes about 1 GiB.
MOST_WORKERS = 8

#: Names that Beam knows runners by. Its DirectRunner may hand over to a runner that it downloads;
#: this is the one that it wraps.
RUNNERS = {
    "direct": "apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
    "portable": "PortableRunner",
}

#: How workers get our package where nobody says otherwise; there in a checkout, not in an image.
SETUP = ROOT / "setup.py"


def beam_arguments(options: BeamOptions, files: int) -> list[str]:
    """Beam's arguments; one direct worker runs in this process.

    Args:
        options: of the config.
        files: in the listing.

    Raises:
        InputError: Beam has no such option, or workers would not get our package.
    """
    runner = f"--runner={RUNNERS[options.runner]}"
    if options.runner != "direct":
        return [runner, *_engine_arguments(options)]
    workers = _workers(files) if options.workers == "auto" else options.workers
    mode = "in_memory" if workers == 1 else "multi_processing"
    return [
        runner,
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={workers}",
        # Where no flag says how workers get the code, TFX packs its own into a source package for
        # every component: 1.4 s each. Workers on this machine import what is installed.
        "--sdk_container_image=none",
    ]


def _engine_arguments(options: BeamOptions) -> list[str]:
    """Arguments for an engine on other machines, each of them known to Beam."""
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
    if not SETUP.exists():
        raise InputError(
            f"beam.runner {options.runner}: {SETUP} is not there, so workers would not get this "
            "package. Name an image that holds it by beam.options.sdk_container_image."
        )
    return [*arguments, f"--setup_file={SETUP}"]


def _workers(files: int) -> int:
    """One worker per core where that can pay, else this process alone."""
    return min(os.cpu_count() or 1, MOST_WORKERS) if files >= MANY_FILES else 1
