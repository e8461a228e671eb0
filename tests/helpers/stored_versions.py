"""What anyone sees of a workspace in a store: its states, and the versions that servers read."""

import hashlib
import json
from pathlib import Path

import obstore
from obstore.store import ObjectStore

from pipeline.object_store.file_transfer import object_name
from pipeline.object_store.serving_layout import MARKER, split_version, versions_in
from pipeline.object_store.state_chain import StateChain

RECORD = "assets.extra/push.json"


def read_object(store: ObjectStore, name: str) -> bytes:
    """The content of an object."""
    return bytes(obstore.get(store, name).bytes())


def object_names(store: ObjectStore, prefix: str) -> list[str]:
    """The names of all objects below a prefix, sorted."""
    return sorted(one["path"] for part in obstore.list(store, prefix=prefix) for one in part)


def served_digests(store: ObjectStore) -> dict[int, str]:
    """Digests of the models that a server can load now, by version, and each is checked.

    Only what has the marker can be loaded. All files that the record of the push names are there,
    with their sizes.
    """
    splits = list(map(split_version, object_names(store, "serving")))
    digests = {}
    for version in sorted({split[0] for split in splits if split and split[1] == MARKER}):
        push = json.loads(read_object(store, f"{version}/{RECORD}"))
        sizes = {name: len(read_object(store, f"{version}/{name}")) for name in push["files"]}
        assert sizes == push["files"], version
        assert read_object(store, f"{version}/{MARKER}").decode() == push["digest"]
        digests[int(version.rpartition("/")[2])] = push["digest"]
    return digests


def check_states(store: ObjectStore) -> list[set[str]]:
    """Check that every state is whole; return its versions, with the oldest state first."""
    chain, versions = StateChain(store), []
    for number in range(1, chain.newest_number() + 1):
        manifest = chain.read(number).manifest
        for entry in manifest.files.values():
            content = read_object(store, object_name(entry.digest))
            assert hashlib.sha256(content).hexdigest() == entry.digest
        versions.append(set(versions_in(manifest)))
    return versions


def read_log(log: Path) -> list[dict[str, object]]:
    """The versions that a `store_writer` has pushed."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
