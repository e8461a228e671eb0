"""A real Flink session cluster on this machine, with the Python workers that Beam's jobs need.

`fetch` gets Flink from the Python package index and Beam's job server from Maven, once, into
build/flink. Everything else listens on the loopback address alone.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ports import free_ports
from repository import ROOT

FETCHED = ROOT / "build" / "flink"
LIBRARIES = FETCHED / "python" / "pyflink" / "lib"
JOB_SERVER = FETCHED / "job-server" / "job-server.jar"
START_SECONDS = 60
JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

#: Flink 1.19 reaches into the JDK; its own scripts open the same doors.
OPENED = (
    *("java.base/java.lang", "java.base/java.lang.invoke", "java.base/java.lang.reflect"),
    *("java.base/java.net", "java.base/java.io", "java.base/java.nio", "java.base/java.text"),
    *("java.base/java.time", "java.base/java.util", "java.base/java.util.concurrent"),
    *("java.base/java.util.concurrent.atomic", "java.base/java.util.concurrent.locks"),
    *("java.base/sun.nio.ch", "java.base/sun.net.util"),
)


def missing() -> str | None:
    """Why no Flink can run here, or None."""
    absent = [name for name in ("java", "mvn") if not shutil.which(name)]
    return f"Flink needs {' and '.join(absent)} (Java 11 or 17, Maven)" if absent else None


def fetch() -> None:
    """Get what is not there yet."""
    if not LIBRARIES.exists():
        lock = ("--require-hashes", "-r", str(ROOT / "requirements" / "flink.txt"))
        _uv("install", "--no-deps", "--target", str(FETCHED / "python"), *lock)
    if not JOB_SERVER.exists():
        pom = Path(__file__).with_name("pom.xml")
        maven = shutil.which("mvn") or "mvn"
        subprocess.run([maven, "--batch-mode", "--quiet", "-f", pom, "package"], check=True)


@dataclass(frozen=True)
class BareWorkers:
    """Beam's own program that starts a worker, as in Beam's images, and a Python for it.

    That has all that is needed but our package.
    """

    boot: Path
    python: Path


class ChecksumsUnavailableError(Exception):
    """Go's database of checksums cannot be reached, so Go installs no module."""


def fetch_bare_workers() -> BareWorkers:
    """Get them, or what is not there yet, without our package.

    Raises:
        ChecksumsUnavailableError: Go cannot look up the checksum of the program.
        subprocess.CalledProcessError: Go cannot get or build the program.
    """
    from apache_beam.version import __version__

    bare = BareWorkers(FETCHED / "container", FETCHED / "bare" / "bin" / "python")
    if not bare.boot.exists():
        module = f"github.com/apache/beam/sdks/v2/python/container@v{__version__}"
        go, environment = shutil.which("go") or "go", os.environ | {"GOBIN": str(FETCHED)}
        built = subprocess.run(
            [go, "install", module], env=environment, capture_output=True, text=True, check=False
        )
        if built.returncode and "sumdb" in built.stderr:
            raise ChecksumsUnavailableError(built.stderr.splitlines()[-1])
        print(built.stderr)
        built.check_returncode()
    if not bare.python.exists():
        subprocess.run([sys.executable, "-m", "venv", FETCHED / "bare"], check=True)
    stack = "tfx-1.16" if sys.version_info < (3, 11) else "tfx-1.21"
    lock = ROOT / "requirements" / f"{stack}.txt"
    _uv("install", "--python", str(bare.python), "--require-hashes", "-r", str(lock))
    _uv("uninstall", "--python", str(bare.python), "carryover")
    return bare


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "pip", arguments[0], "--quiet", *arguments[1:]], check=True)


@dataclass
class FlinkCluster:
    """One job manager, and task managers that have a pool of Python workers each.

    Jobs run as many tasks of a kind at once as there are task managers, one on each. Every task
    manager has slots for two, so that another can take over from one that is lost.

    On real machines every task manager finds its pool at localhost. Here they share a machine, so
    each has a loopback address of its own, and a hosts file that gives it the name `workers`.
    Open it with `with`.

    Attributes:
        folder: for logs, and for what Flink writes.
        task_managers: how many.
        bare: what starts workers that have to be sent our package; None has workers that have it.
    """

    folder: Path
    task_managers: int = 2
    bare: "BareWorkers | None" = None
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> "FlinkCluster":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ports = dict(zip(("rpc", "rest", "blob", "workers"), free_ports(4), strict=True))
        (self.folder / "config.yaml").write_text(self._configuration())
        try:
            self._start("jobmanager", self._java(JOB_MANAGER))
            self.wait_for(0)
            for number in range(self.task_managers):
                self._start_task_manager(number)
            self.wait_for(self.task_managers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes.values()):
            _end(process)
        self._processes.clear()

    @property
    def options(self) -> dict[str, str | int]:
        """`beam.options` of a run on this cluster."""
        return {
            "flink_master": f"127.0.0.1:{self._ports['rest']}",
            "flink_job_server_jar": str(JOB_SERVER),
            "parallelism": self.task_managers,
            "environment_type": "EXTERNAL",
            "environment_config": f"workers:{self._ports['workers']}",
            "environment_cache_millis": 60_000,
        }

    def kill_task_manager(self, number: int = 0) -> None:
        """Kill one, and its Python workers, as a crash of its machine would, without a word."""
        for name in (f"taskmanager-{number}", f"pool-{number}"):
            process = self._processes.pop(name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def workers_started(self) -> list[int]:
        """Python workers that each task manager has had, in order."""
        logs = (self.folder / f"pool-{number}.log" for number in range(self.task_managers))
        return [log.read_text().count("Starting worker") for log in logs]

    def failures(self, job: str) -> list[str]:
        """What stopped tasks of a job that were then started again."""
        history = self.ask(f"jobs/{job}/exceptions")["exceptionHistory"]
        return [entry["exceptionName"] for entry in history["entries"]]

    def ask(self, path: str) -> Any:
        """Answer of Flink's REST interface."""
        url = f"http://127.0.0.1:{self._ports['rest']}/{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    def wait_for(self, task_managers: int) -> None:
        """Until so many have registered."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}, see {self.folder}")
            with contextlib.suppress(OSError):  # the job manager may not listen yet
                if self.ask("overview")["taskmanagers"] >= task_managers:
                    return
            time.sleep(0.3)
        raise TimeoutError(f"Flink is not up after {START_SECONDS} s, see {self.folder}")

    def _start_task_manager(self, number: int) -> None:
        address = f"127.0.1.{number + 1}"
        hosts = self.folder / f"hosts-{number}"
        hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n{address} workers\n")
        pool = [sys.executable, str(Path(__file__).with_name("worker_pool.py"))]
        pool.append(f"{address}:{self._ports['workers']}")
        self._start(f"pool-{number}", [*pool, str(self.bare.boot)] if self.bare else pool)
        java = self._java(TASK_MANAGER, f"-Djdk.net.hosts.file={hosts}")
        self._start(f"taskmanager-{number}", java)

    def _start(self, name: str, command: list[str]) -> None:
        # Pools start workers as `python`.
        python = self.bare.python if self.bare else Path(sys.executable)
        variables = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
        # Beam's program installs what it is sent into that Python, not into one of its own making.
        variables["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT"] = "1"
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _java(self, main: str, *options: str) -> list[str]:
        opened = (f"--add-opens={package}=ALL-UNNAMED" for package in OPENED)
        logging = f"-Dlog4j.configurationFile={Path(__file__).with_name('log4j2.properties')}"
        classes = (
            "-classpath",
            f"{LIBRARIES}/*:{JOB_SERVER}",
            main,
            "--configDir",
            str(self.folder),
        )
        return [shutil.which("java") or "java", "-Xmx768m", *options, *opened, logging, *classes]

    def _configuration(self) -> str:
        return f"""\
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: {self._ports["rpc"]}
jobmanager.bind-host: 127.0.0.1
jobmanager.execution.failover-strategy: region
rest.address: 127.0.0.1
rest.port: {self._ports["rest"]}
rest.bind-address: 127.0.0.1
blob.server.port: {self._ports["blob"]}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 2
taskmanager.cpu.cores: 2
cluster.evenly-spread-out-slots: true
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
taskmanager.memory.task.heap.size: 512m
taskmanager.memory.task.off-heap.size: 128m
taskmanager.memory.managed.size: 256m
taskmanager.memory.network.min: 384m
taskmanager.memory.network.max: 384m
heartbeat.interval: 2000
heartbeat.timeout: 10000
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 100
restart-strategy.fixed-delay.delay: 1s
taskmanager.network.sort-shuffle.min-buffers: 64
classloader.resolve-order: parent-first
io.tmp.dirs: {self.folder}
"""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and see to it that it and all that it started does."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
