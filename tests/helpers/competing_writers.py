"""Two processes that push versions to one workspace in a store, and are killed again and again."""

import itertools
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import store_writer
from repository import ROOT
from store_writer import open_any_store, remote_workspace
from stored_versions import check_states, read_log, served_digests

from pipeline.object_store.state_chain import StateChain


@dataclass
class Competition:
    """What two writers did, and what a reader saw.

    Attributes:
        uri: Workspace, see `open_any_store`.
        folder: Folder for the working copies and the logs.
        kills: Number of processes that were killed.
        looks: Number of times that the reader has read all versions.
        seen: Digests that the reader has seen of each version.
    """

    uri: str
    folder: Path
    kills: int = 0
    looks: int = 0
    seen: dict[int, set[str]] = field(default_factory=dict)

    @property
    def logs(self) -> list[Path]:
        """Files with the versions that each writer says it has pushed."""
        return [self.folder / "first.log", self.folder / "second.log"]

    def run(self, versions: int, seed: int, timeout: float = 600.0) -> None:
        """Let the writers compete, and kill them, until there are as many versions.

        The reader looks as often as it can.
        """
        store, rng = open_any_store(self.uri), random.Random(seed)  # noqa: S311
        end = time.monotonic() + timeout
        writers = [self._start(log) for log in self.logs]
        try:
            while StateChain(store).newest_number() < versions:
                assert time.monotonic() < end
                self._look()
                if rng.random() < 0.3:
                    number = rng.randrange(2)
                    writers[number].kill()
                    assert writers[number].wait() != 0, "a writer that has failed"
                    self.kills += 1
                    writers[number] = self._start(self.logs[number])
                assert all(writer.poll() is None for writer in writers)
                time.sleep(rng.uniform(0, 0.5))
        finally:
            for writer in writers:
                writer.kill()
                writer.wait()
        self._look()

    def pushed(self) -> list[dict[str, object]]:
        """What the writers say they have pushed."""
        return [pushed for log in self.logs for pushed in read_log(log)]

    def _look(self) -> None:
        self.looks += 1
        for version, digest in served_digests(open_any_store(self.uri)).items():
            self.seen.setdefault(version, set()).add(digest)

    def _start(self, log: Path) -> subprocess.Popen[bytes]:
        copy = self.folder / log.stem
        command = [sys.executable, store_writer.__file__, self.uri, copy, log, "1000", "0"]
        environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'helpers'}"}
        with log.with_suffix(".stderr").open("ab") as errors:
            return subprocess.Popen(command, env=environment, stderr=errors)


def check_competition(competition: Competition) -> None:
    """Check that every version has one winner, and that no version was lost or seen in part."""
    store = open_any_store(competition.uri)
    remote = remote_workspace(competition.uri, competition.folder / "last")
    state = remote.pull()
    remote.layout.update(state.number, state.manifest)
    states = check_states(store)
    # Every state has all versions of the one before, and one more.
    assert [len(versions) for versions in states] == list(range(1, len(states) + 1))
    assert all(before < after for before, after in itertools.pairwise(states))
    served = served_digests(store)
    assert sorted(served) == list(range(1, len(states) + 1))
    for pushed in competition.pushed():  # a killed writer may have won without a line
        assert served[pushed["version"]] == pushed["digest"]
    numbers = [pushed["version"] for pushed in competition.pushed()]
    assert len(set(numbers)) == len(numbers)
    assert all(competition.seen[version] == {served[version]} for version in competition.seen)
