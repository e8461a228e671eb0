"""Rejects and catalogs in an artifact whose path has strange characters."""

import numpy as np
import pytest
from strange_names import LITERAL, PATTERNS
from tiny_catalog import random_look, row, write_chunks

from components.image_example_gen.catalog import catalog_suffixes, read_catalog
from components.image_example_gen.inventory import read_inventory, write_inventory, write_rejects
from trainer_module.contract.listing_row import ListingRow

pytestmark = pytest.mark.component

REJECT = ListingRow(path="a.png", domain="day", label="red", bytes=1, modified=1)


@pytest.mark.parametrize("name", [*PATTERNS, *LITERAL])
def test_all_chunks_of_this_artifact_alone_are_counted(tmp_path, name):
    for folder in (name, "runs 2", "a-b", "what!", "x"):  # folders that the patterns match
        uri = tmp_path / folder
        uri.mkdir()
        write_chunks(
            uri, [row(b"day/red/1", 1, random_look(1))], [row(b"day/red/2", 2, random_look(2))]
        )
        for suffix in ("00000", "00001"):
            write_rejects(str(uri), suffix, [ListingRow(**REJECT, reason=f"blank: {suffix}")])
    uri = str(tmp_path / name)
    assert catalog_suffixes(uri) == ["00000", "00001"]
    ids = np.concatenate([table["image_id"] for table in read_catalog(uri)])
    assert ids.tolist() == [b"day/red/1", b"day/red/2"]
    write_inventory(uri, uri)
    inventory = read_inventory(uri)
    assert [one["count"] for one in inventory["examples"]] == [2]
    assert [(one["reason"], one["count"]) for one in inventory["rejects"]] == [("blank", 2)]
