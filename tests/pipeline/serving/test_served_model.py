"""Versions that are loaded: their warm-up, and what is said of damaged ones."""

import pytest
from damaged_files import cut_off, damage_id, empty, remove, replace_by_binary
from tiny_models import ColourModel, save_model
from tiny_pictures import write_files

from pipeline.serving.served_model import ServedModel
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import WARMUP_REQUESTS
from trainer_module.export.saved_model_classifier import Outputs, SavedModelClassifier
from trainer_module.export.warmup_requests import BATCH_SIZES, write_warmup_requests

pytestmark = pytest.mark.component


@pytest.mark.parametrize("damage", [cut_off, empty, remove, replace_by_binary], ids=damage_id)
def test_a_damaged_model_is_named_with_what_to_do(tmp_path, damage):
    version = write_files(tmp_path / "1", {"saved_model.pb": b"\x08\x01\x12\x04\x0a\x02\x08\x01"})
    damage(version / "saved_model.pb")
    with pytest.raises(UnavailableError) as error:
        ServedModel(version, 1)
    assert f"model {version / 'saved_model.pb'} cannot be read: " in str(error.value)
    assert "Restore the version from a backup" in str(error.value)


@pytest.fixture(name="calls")
def _calls(monkeypatch) -> list[tuple[str, int]]:
    """Signatures that models are called with, and the sizes of the batches."""
    calls = []
    call = SavedModelClassifier.call

    def record(model: SavedModelClassifier, signature: str, values: list[bytes]) -> Outputs:
        calls.append((signature, len(values)))
        return call(model, signature, values)

    monkeypatch.setattr(SavedModelClassifier, "call", record)
    return calls


def test_a_version_replays_its_warm_up_requests_while_it_is_loaded(tmp_path, calls):
    folder = save_model(tmp_path / "1", ColourModel())
    write_warmup_requests(folder, {"embed": "image"})
    ServedModel(folder, 1)
    assert calls == [("embed", 1)]


def test_a_version_without_usable_warm_up_requests_gets_those_of_todays_exports(
    tmp_path, calls, caplog
):
    folder = save_model(tmp_path / "1", ColourModel(), with_warmup=False)
    model = ServedModel(folder, 1)
    usual = [("serving_default", size) for size in BATCH_SIZES]
    usual += [(signature, 1) for signature in model.inputs if signature != "serving_default"]
    assert sorted(calls) == sorted(usual)
    assert not caplog.records

    calls.clear()
    write_warmup_requests(folder, {"serving_default": "picture"})  # no input of the model
    ServedModel(folder, 1)
    assert sorted(calls) == sorted(usual)

    calls.clear()
    cut_off(folder / WARMUP_REQUESTS)
    ServedModel(folder, 1)
    assert sorted(calls) == sorted(usual)
    assert "file of warm-up requests" in caplog.text
