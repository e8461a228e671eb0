"""A real S3 server on this machine: Versity S3 Gateway, over a folder.

`fetch` gets its source from the proxy of Go's modules and builds it, once, into build/s3. Go checks
all modules that it needs against the checksums in that source.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ports import free_ports
from repository import ROOT

MODULE, VERSION = "github.com/versity/versitygw", "v1.8.0"
PROGRAM = ROOT / "build" / "s3" / f"versitygw-{VERSION}"
BUCKET = "bucket"
START_SECONDS = 60


def missing() -> str | None:
    """Why no server can be built here, or None."""
    can_start = PROGRAM.exists() or shutil.which("go")
    return None if can_start else "building the S3 server needs Go"


def fetch() -> None:
    """Build the program, if it is not there yet."""
    if PROGRAM.exists():
        return
    # The database of checksums may be out of reach; this version of the module is named above.
    environment = os.environ | {"GONOSUMDB": MODULE, "GOFLAGS": "-mod=readonly"}
    download = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    found = subprocess.run(
        download, cwd=PROGRAM.parent, env=environment, check=True, capture_output=True
    )
    build = ["go", "build", "-o", PROGRAM, "./cmd/versitygw"]
    subprocess.run(build, cwd=json.loads(found.stdout)["Dir"], env=environment, check=True)


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a bucket from a folder.

    Yields:
        Variables of the environment with which clients reach it.
    """
    (folder / BUCKET).mkdir(parents=True)
    (port,) = free_ports(1)
    key, secret = "testkey", "testsecret"
    command = [PROGRAM, "--quiet", "--port", f"127.0.0.1:{port}", "posix", folder]
    environment = os.environ | {"ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield {
                "AWS_ACCESS_KEY_ID": key,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ALLOW_HTTP": "true",
            }
        finally:
            server.kill()


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.1)
