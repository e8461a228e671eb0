"""Whether an engine of Beam can be reached from here; asked before a run does anything."""

import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.config.beam_options import BeamOptions
from trainer_module.contract.errors import InputError

#: Option that says where the engine listens, by runner; Dataflow's is a service.
ADDRESS = {"flink": "flink_master", "spark": "spark_master_url", "portable": "job_endpoint"}

#: Option that names the jar of Beam's job server, which is a Java program.
JOB_SERVER = {"flink": "flink_job_server_jar", "spark": "spark_job_server_jar"}

SECONDS = 5.0


def check_engine(options: BeamOptions) -> None:
    """Refuse an engine that nobody answers for.

    Args:
        options: of the config.

    Raises:
        InputError: Java or the jar of the job server is missing, or no engine listens.
    """
    if options.runner in JOB_SERVER:
        _check_job_server(options)
    if options.runner in ADDRESS:
        _check_address(options, ADDRESS[options.runner])


def _check_job_server(options: BeamOptions) -> None:
    if options.options.get(f"{options.runner}_submit_uber_jar"):
        return  # the engine runs it
    if not shutil.which("java"):
        raise InputError(
            f"beam.runner {options.runner} needs Java on this machine, for Beam's job server. "
            "Install it (Debian: apt install default-jre-headless)."
        )
    key = JOB_SERVER[options.runner]
    jar = str(options.options.get(key, ""))
    if jar and not urlsplit(jar).scheme and not Path(jar).is_file():
        raise InputError(f"config key 'beam.options.{key}': there is no file {jar}.")


def _check_address(options: BeamOptions, key: str) -> None:
    """Connect once; names that hold no port, as Flink's `[local]`, are Beam's own business."""
    address = str(options.options[key])
    url = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = url.hostname, url.port
    except ValueError:
        raise InputError(f"config key 'beam.options.{key}': {address} is no address.") from None
    if not host or not port:
        return
    try:
        socket.create_connection((host, port), timeout=SECONDS).close()
    except OSError as error:
        raise InputError(
            f"config key 'beam.options.{key}': nothing answers at {address} "
            f"({error.strerror or error}). Start the engine, or correct the address."
        ) from None
