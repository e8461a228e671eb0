"""Lets a process of `probe_server` run the probe of ServingCheck, which starts at once there.

As a program, it stands for `probe.py`. Every run starts one, and importing TensorFlow would take
most of its time. `tests/components/serving_check` and `tests/test_processes.py` start the probe as
a run does.
"""

import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

#: Variable with the path of the server's socket.
ADDRESS = "PROBE_SERVER"


#: The server, whose standard input ends with this process, and the folder of its socket.
_kept: list[object] = []


@functools.cache
def start_server() -> str:
    """Start the server of this test process, and return the path of its socket."""
    from repository import HELPERS, ROOT  # the program has no path to it

    folder = tempfile.TemporaryDirectory()
    address = str(Path(folder.name, "socket"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        handle = listener.fileno()
        probe = ROOT / "components" / "serving_check" / "probe.py"
        command = [sys.executable, "-I", HELPERS / "probe_server.py", str(handle), probe]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[handle])
    _kept.append((folder, server))
    return address


def use() -> None:
    """Replace `probe.py` in this process."""
    from components.serving_check import probe

    probe.__file__ = __file__


def main() -> int:
    """Give the server what the process has, and return the exit code of the probe."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(os.environ[ADDRESS])
        message = json.dumps([str(Path.cwd()), dict(os.environ)]).encode()
        socket.send_fds(server, [message], [0, 1, 2])
        return int(server.recv(16) or b"1")


if __name__ == "__main__":
    sys.exit(main())
