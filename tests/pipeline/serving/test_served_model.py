"""Versions that are damaged: what the log of the server and the model status say."""

import pytest
from damaged_files import cut_off, damage_id, empty, remove, replace_by_binary
from tiny_pictures import write_files

from pipeline.serving.served_model import ServedModel
from trainer_module.contract.errors import UnavailableError

pytestmark = pytest.mark.component


@pytest.mark.parametrize("damage", [cut_off, empty, remove, replace_by_binary], ids=damage_id)
def test_a_damaged_model_is_named_with_what_to_do(tmp_path, damage):
    version = write_files(tmp_path / "1", {"saved_model.pb": b"\x08\x01\x12\x04\x0a\x02\x08\x01"})
    damage(version / "saved_model.pb")
    with pytest.raises(UnavailableError) as error:
        ServedModel(version, 1)
    assert f"model {version / 'saved_model.pb'} cannot be read: " in str(error.value)
    assert "Restore the version from a backup" in str(error.value)
