from pathlib import Path

import pytest

from trainer_module.backbones.preset_folder import find_preset
from trainer_module.contract.errors import InputError


def test_a_preset_that_is_not_in_the_cache_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"nothing is downloaded .* set backbone.download to true"):
        find_preset("vit_base_patch16_224_imagenet")


def test_the_newest_complete_download_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    for version, names in {
        "9": ("config.json", "model.weights.h5"),
        "10": ("config.json",),
    }.items():
        folder = tmp_path / "models/keras/vit/keras/vit_tiny" / version
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()
    assert find_preset("vit_tiny").name == "9"


def test_a_folder_without_a_config_is_no_preset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no preset: it has no config.json"):
        find_preset(str(tmp_path))
