import datetime
import os
from pathlib import Path

import pytest

pytest.importorskip("obstore")

from store_writer import open_any_store, push_version, remote_workspace
from stored_versions import check_states, object_names, served_digests

from pipeline.object_store.state_chain import StateChain
from pipeline.object_store.store_cleaning import clean_store
from trainer_module.contract.errors import UnavailableError

DAY = 86400


def age(store: Path, names: list[str], days: float) -> None:
    """Let objects be as old."""
    now = datetime.datetime.now().timestamp()
    for name in names:
        os.utime(store / name, (now - days * DAY, now - days * DAY))


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def test_what_was_superseded_for_a_day_is_removed_and_the_rest_works(tmp_path):
    uri = str(tmp_path / "store")
    remote, store = remote_workspace(uri, tmp_path / "copy"), open_any_store(uri)
    for _ in range(4):
        push_version(remote)
    (tmp_path / "store" / "objects" / "ab").mkdir(exist_ok=True)
    (tmp_path / "store" / "objects" / "ab" / "abandoned").write_bytes(b"of a killed upload")
    objects, states = object_names(store, "objects"), object_names(store, "states")
    age(tmp_path / "store", objects, 3)
    age(tmp_path / "store", states[:3], 3)  # state 3 was superseded today, states 1 and 2 were not

    removed = clean_store(store, now())

    # The ledgers of states 1 and 2, the highest versions of these, and the killed upload.
    assert removed.objects == len(objects) - len(object_names(store, "objects")) == 5
    assert object_names(store, "states") == states
    with pytest.raises(UnavailableError, match="was superseded"):
        StateChain(store).read(2)
    assert check_newest(uri, tmp_path) == [1, 2, 3, 4]
    assert push_version(remote)["version"] == 5
    assert clean_store(store, now()).objects == 0


def check_newest(uri: str, tmp_path: Path) -> list[int]:
    """The versions that a new copy gets, and that servers read."""
    other = remote_workspace(uri, tmp_path / "other")
    other.pull()
    served = sorted(served_digests(open_any_store(uri)))
    folders = (other.copy.root / "serving" / "pets").iterdir()
    assert sorted(int(path.name) for path in folders) == served
    return served


def test_nothing_young_is_removed(tmp_path):
    uri = str(tmp_path / "store")
    for _ in range(3):
        push_version(remote_workspace(uri, tmp_path / "copy"))
    assert clean_store(open_any_store(uri), now()).objects == 0
    assert len(check_states(open_any_store(uri))) == 3
