"""Finds the folder of a keras-hub preset: a local folder, or a download in the local cache."""

import importlib.util
import os
import re
import subprocess
from pathlib import Path

from trainer_module.contract.child_process import isolated_python
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.locations import expand_home, is_uri
from trainer_module.contract.process_environment import environment_without_gpu

#: File of a preset with the configuration of its network. A folder without it is no preset.
CONFIG = "config.json"

#: File of a preset with the weights of its network, unless they are in several files.
WEIGHTS = "model.weights.h5"

#: File of a preset that lists the files of its weights.
WEIGHTS_INDEX = "model.weights.json"

_PRESET_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_KAGGLE = "kaggle://"
_HUGGING_FACE = "hf://"

#: Program that downloads a preset. It is a process of its own: keras-hub imports TensorFlow, which
#: cannot be configured any more once it was used.
_DOWNLOAD = """
import keras_hub
handle = sys.argv[1]
if "://" not in handle:
    handle = keras_hub.models.Backbone.presets[handle]["kaggle_handle"]
scheme, _, name = handle.partition("://")
if scheme == "hf":
    from huggingface_hub import snapshot_download
    snapshot_download(name)
else:
    import kagglehub
    kagglehub.model_download(name)
"""


def is_folder_name(preset: str) -> bool:
    """Return whether a preset is named by its folder: a path with a slash, or beginning with ~."""
    return not is_uri(preset) and _PRESET_NAME.fullmatch(preset) is None


def find_preset(preset: str, download: bool = False) -> Path:
    """Return the folder with the files of a preset.

    Args:
        preset: Folder, name of a preset of keras-hub (`vit_base_patch16_224_imagenet`), or handle
            (`kaggle://ORGANISATION/MODEL/keras/PRESET/VERSION`, `hf://ORGANISATION/MODEL`).
        download: Whether a preset that is not in the local cache may be downloaded.

    Raises:
        InputError: There is no such folder, or the preset is not in the local cache and may not be
            downloaded.
        UnavailableError: The download failed.
    """
    if is_folder_name(preset):
        return _local_folder(Path(expand_home(preset)))
    found = _cached(preset)
    if found is None and download:
        _download(preset)
        found = _cached(preset)
    if found is None:
        raise InputError(
            f"the preset {preset} is not in the local cache, and nothing is downloaded unless you "
            "allow it: set backbone.download to true, or give its folder as hub:/path/of/preset "
            f"(a folder here as hub:./{preset.rpartition('/')[2]})"
        )
    return found


def require_keras_hub(name: str) -> None:
    """Refuse a backbone with layers of keras-hub where keras-hub is not installed.

    Args:
        name: Name of the backbone, for the message.

    Raises:
        InputError: keras-hub is not installed.
    """
    if importlib.util.find_spec("keras_hub") is None:
        raise InputError(
            f"the backbone {name} needs keras-hub, which is not installed. Run: "
            "pip install 'keras-hub>=0.25,<1'"
        )


def _local_folder(folder: Path) -> Path:
    if not folder.is_dir():
        problem = "is a file, no folder" if folder.exists() else "does not exist"
        raise InputError(
            f"the preset folder {folder} {problem}. Give a folder that save_to_preset of keras-hub "
            "wrote"
        )
    if not (folder / CONFIG).is_file():
        raise InputError(
            f"the folder {folder} is no preset: it has no {CONFIG}. Give a folder that "
            "save_to_preset of keras-hub wrote"
        )
    return folder


def _cached(preset: str) -> Path | None:
    """Return the newest complete download of a preset."""
    if preset.startswith(_HUGGING_FACE):
        name = preset.removeprefix(_HUGGING_FACE).replace("/", "--")
        snapshots = _hugging_face_cache() / f"models--{name}" / "snapshots"
        folders = sorted(_subfolders(snapshots), key=lambda folder: folder.stat().st_mtime)
    elif preset.startswith(_KAGGLE):
        named = _kaggle_cache() / preset.removeprefix(_KAGGLE)
        folders = [named] if named.name.isdecimal() else _versions(named)
    elif is_uri(preset):
        raise InputError(
            f"the preset {preset} has an unknown scheme. Download it, and give its folder as "
            "hub:/path/of/preset"
        )
    else:
        models = _subfolders(_kaggle_cache() / "keras")
        folders = [folder for model in models for folder in _versions(model / "keras" / preset)]
    return next((folder for folder in reversed(folders) if _is_complete(folder)), None)


def _versions(folder: Path) -> list[Path]:
    """Return the folders of the versions of a download, the newest one last."""
    versions = [one for one in _subfolders(folder) if one.name.isdecimal()]
    return sorted(versions, key=lambda one: int(one.name))


def _subfolders(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def _kaggle_cache() -> Path:
    default = Path.home() / ".cache" / "kagglehub"
    return Path(os.environ.get("KAGGLEHUB_CACHE", default)) / "models"


def _hugging_face_cache() -> Path:
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    return Path(os.environ.get("HF_HUB_CACHE", home / "hub"))


def _is_complete(folder: Path) -> bool:
    has_weights = (folder / WEIGHTS).is_file() or (folder / WEIGHTS_INDEX).is_file()
    return has_weights and (folder / CONFIG).is_file()


def _download(preset: str) -> None:
    require_keras_hub(f"hub:{preset}")
    command = [*isolated_python(_DOWNLOAD), preset]
    environment = environment_without_gpu({"TF_CPP_MIN_LOG_LEVEL": "3"})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["unknown error"]
        raise UnavailableError(
            f"the preset {preset} could not be downloaded: check its name and the network, or give "
            f"its folder as hub:/path/of/preset. Received: {lines[-1]}"
        )
