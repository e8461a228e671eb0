"""Check before a run that its Beam runner is available."""

import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.config.beam_options import BeamOptions
from trainer_module.contract.errors import InputError

#: Runner -> option with its address. Dataflow is a service and needs none.
ADDRESS_OPTIONS = {"flink": "flink_master", "spark": "spark_master_url", "portable": "job_endpoint"}

#: Runner -> option with the path of the jar of Beam's job server, which is a Java program.
JOB_SERVER_OPTIONS = {"flink": "flink_job_server_jar", "spark": "spark_job_server_jar"}

#: Seconds to wait for a connection.
TIMEOUT = 5.0


def check_beam_runner(options: BeamOptions) -> None:
    """Check that the Beam runner is available, as far as that can be told from this machine.

    Args:
        options: Options of Beam from the config.

    Raises:
        InputError: Java or the jar of the job server is missing, or nothing listens at the
            address of the runner.
    """
    if options.runner in JOB_SERVER_OPTIONS:
        _check_job_server(options)
    if options.runner in ADDRESS_OPTIONS:
        _check_address(options, ADDRESS_OPTIONS[options.runner])


def _check_job_server(options: BeamOptions) -> None:
    if options.options.get(f"{options.runner}_submit_uber_jar"):
        return  # the job server runs inside Flink or Spark
    if not shutil.which("java"):
        raise InputError(
            f"beam.runner {options.runner} needs Java on this machine, for Beam's job server. "
            "Install it (Debian: apt install default-jre-headless)."
        )
    key = JOB_SERVER_OPTIONS[options.runner]
    jar = str(options.options.get(key, ""))
    if jar and not urlsplit(jar).scheme and not Path(jar).is_file():
        raise InputError(
            f"config key 'beam.options.{key}': {jar} does not exist. Correct the path."
        )


def _check_address(options: BeamOptions, key: str) -> None:
    """Connect once. Values without a port, such as Flink's `[local]`, are not checked."""
    address = str(options.options[key])
    if address.endswith("]"):
        return  # "[local]", "local[4]" or "[::1]", of which urlsplit of Python 3.13 refuses two
    try:
        url = urlsplit(address if "://" in address else f"//{address}")
        host, port = url.hostname, url.port
    except ValueError:
        raise InputError(
            f"config key 'beam.options.{key}': {address} is not an address. Give host:port."
        ) from None
    if not host or not port:
        return
    try:
        socket.create_connection((host, port), timeout=TIMEOUT).close()
    except OSError as error:
        raise InputError(
            f"config key 'beam.options.{key}': cannot connect to {address} "
            f"({error.strerror or error}). Start the Beam runner, or correct the address."
        ) from None
