"""The process ends after SIGTERM, whatever its threads do."""

import signal
import subprocess
import sys
import textwrap

import pytest
from repository import ROOT

#: A server whose only request hangs in a thread, as a call of the model may.
SERVER = """
    import signal, socket, sys, threading, time, urllib.request
    import uvicorn
    from pipeline.serving.compat.draining_server import DrainingServer
    from pipeline.serving.exit_deadline import ExitDeadline
    from starlette.applications import Starlette
    from starlette.routing import Route

    def hang(request):
        print("open", flush=True)
        time.sleep(60)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app = Starlette(routes=[Route("/", hang)])
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown={drain})
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{{listener.getsockname()[1]}}/"
    threading.Thread(target=urllib.request.urlopen, args=(address,), daemon=True).start()
    DrainingServer(config, ExitDeadline(0.5)).run(sockets=[listener])
"""

#: A process that keeps the lock of the interpreter, so that none of its threads can run Python.
LOCKED = """
    import ctypes
    from pipeline.serving import exit_deadline

    exit_deadline.LAST_RESORT_SECONDS = 0.1
    exit_deadline.ExitDeadline(0.1).begin()
    print("open", flush=True)
    ctypes.PyDLL(None).sleep(60)
"""


def end_of(program: str) -> tuple[int, str]:
    """Send SIGTERM to a server that has printed `open`; return exit code and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        if program != LOCKED:
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    return process.returncode, errors


@pytest.mark.parametrize("drain", [0, 20], ids=["after the drain", "within the drain"])
def test_a_request_that_hangs_does_not_keep_the_process(drain):
    code, errors = end_of(SERVER.format(drain=drain))
    assert code == 1
    assert "the server did not end within 0.5 seconds of the signal" in errors


def test_the_system_ends_a_process_in_which_python_cannot_run():
    assert end_of(LOCKED)[0] == -signal.SIGALRM
