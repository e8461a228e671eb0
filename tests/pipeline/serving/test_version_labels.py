"""Labels of versions on the command line."""

import pytest
from tiny_pictures import write_files

from components.pusher.version_store import VersionStore
from pipeline.serving.version_labels import parse_version_labels
from trainer_module.contract.errors import InputError


@pytest.fixture(name="store")
def _store(tmp_path) -> VersionStore:
    store = VersionStore(tmp_path, "shapes")
    for number in (2, 3):
        write_files(store.path(number), {"saved_model.pb": b""})
    return store


def test_a_label_stands_for_a_number_for_the_newest_or_for_the_serving_version(store):
    labels = parse_version_labels(["stable=2", "canary=newest", "live=serving"], store)
    assert labels == {"stable": 2, "canary": "newest", "live": "serving"}


@pytest.mark.parametrize("text", ["", "stable", "stable=", "=2", "a/b=2", "a:b=2", "a=x", "a=-1"])
def test_what_is_no_label_is_refused(store, text):
    with pytest.raises(InputError, match="is no label with a version"):
        parse_version_labels([text], store)


def test_a_version_that_does_not_exist_is_named_with_those_that_do(store):
    with pytest.raises(InputError, match=r"has no version 7\. It holds: 2, 3\."):
        parse_version_labels(["stable=7"], store)


def test_a_label_is_given_once(store):
    with pytest.raises(InputError, match="stable is given twice"):
        parse_version_labels(["stable=2", "stable=3"], store)
