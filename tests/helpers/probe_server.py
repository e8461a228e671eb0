"""Server for the probe of ServingCheck: it has imported TensorFlow, and nothing of ours.

Each connection gets a forked process that runs `probe.py` as `python -I` does, see `warm_probe`.

Usage: `python -I probe_server.py LISTENER PROBE`, with the file descriptor of a socket that listens
and the path of `probe.py`. The server ends when its standard input ends.
"""

import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback

import tensorflow  # noqa: F401


def serve(listener: socket.socket, program: str) -> None:
    """Fork a process for each connection, until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes
    stdin = sys.stdin.fileno()
    while stdin not in select.select([listener, stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            _run(connection, program)
        connection.close()


def _run(connection: socket.socket, program: str) -> None:
    """Run a program in the folder, with the variables and with the streams of who has connected."""
    message, streams, *_ = socket.recv_fds(connection, 2**20, 3)
    folder, variables = json.loads(message)
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = [program]
    code = 1
    try:
        runpy.run_path(program, run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send(str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
