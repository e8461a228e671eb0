"""A workspace on a real S3 server: `make s3-test`."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("obstore")

import obstore
import versity_server
from competing_writers import Competition, check_competition
from store_writer import open_any_store, push_version, remote_workspace
from stored_versions import object_names, served_digests

pytestmark = pytest.mark.s3

#: Pushes of the soak.
VERSIONS = 20


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The server, and the environment of its clients."""
    if reason := versity_server.missing():
        pytest.skip(reason)
    versity_server.fetch()
    with (
        versity_server.s3_server(tmp_path_factory.mktemp("s3")) as variables,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def uri(name: str) -> str:
    """A workspace of its own."""
    return f"s3://{versity_server.BUCKET}/{name}"


def test_of_two_writers_that_are_killed_one_makes_each_of_20_versions(tmp_path):
    competition = Competition(uri("soak"), tmp_path)

    competition.run(VERSIONS, seed=7)

    check_competition(competition)
    assert competition.kills >= 5
    print(f"{competition.kills} kills, {competition.looks} looks, {len(competition.pushed())} told")


def test_one_of_many_writes_makes_an_object(tmp_path):
    store = open_any_store(uri("create"))

    def create(number: int) -> bool:
        try:
            obstore.put(store, "states/1", str(number).encode(), mode="create")
        except obstore.exceptions.AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        winners = [number for number, won in enumerate(pool.map(create, range(64))) if won]
    assert len(winners) == 1
    assert bytes(obstore.get(store, "states/1").bytes()) == str(winners[0]).encode()


def test_a_large_file_is_uploaded_in_parts_and_served_as_it_was(tmp_path):
    remote = remote_workspace(uri("large"), tmp_path / "copy")
    push_version(remote)
    large = remote.copy.root / "runs" / "large.bin"
    large.parent.mkdir()
    content = os.urandom(40 * 2**20)
    large.write_bytes(content)
    remote.copy.begin_change()
    remote.push("run")

    other = remote_workspace(uri("large"), tmp_path / "other")
    other.pull()

    assert (other.copy.root / "runs" / "large.bin").read_bytes() == content
    store = open_any_store(uri("large"))
    assert list(served_digests(store)) == [1]
    assert object_names(store, "serving")
