"""Networks that are read from files: presets of keras-hub, and saved Keras models.

Importable without TensorFlow, so that a config is checked before anything runs.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainer_module.backbones import preset_folder
from trainer_module.backbones.input_scaling import SCALINGS, Scaling
from trainer_module.backbones.serialized_objects import check_serialized, needs_keras_hub
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.locations import expand_home

#: Prefix of a preset of keras-hub: `hub:PRESET` or `hub:FOLDER`.
HUB = "hub:"

#: Prefix of a saved Keras model: `keras:FILE`.
KERAS_FILE = "keras:"

#: Value of `scaling` that means the preset's own, or none before a saved Keras model.
AUTO = "auto"

_IMAGE_CONVERTER = "image_converter.json"
_KERAS_ARCHIVE_CONFIG = "config.json"

#: Largest configuration that is read. That of a ViT has 2 kB, that of a large ResNet 1 MB.
_MAX_CONFIG = 2**26

#: Networks with patches whose positions are computed for any image size.
_ANY_SIZE = {"DINOV2Backbone", "DINOV3Backbone"}


@dataclass(frozen=True)
class Architecture:
    """Everything of a network but its weights.

    Attributes:
        kind: `hub` or `keras`, where the network came from.
        network: Serialized Keras object, JSON values.
        scaling: Scaling of RGB pixels in 0..255.
    """

    kind: str
    network: Mapping[str, Any]
    scaling: Scaling

    def without_text(self) -> Architecture:
        """Return the architecture of the part that reads images."""
        return replace(self, network=vision_encoder(self.network))

    @property
    def digest(self) -> str:
        """First 12 digits of the SHA-256 of the architecture."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()[:12]

    def as_json(self) -> dict[str, Any]:
        """Return the attributes as JSON values."""
        return {"kind": self.kind, "network": self.network, "scaling": list(self.scaling)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Architecture:
        """Return the architecture that `as_json` describes.

        Raises:
            InputError: It names classes or code that are not allowed.
        """
        check_serialized(values["network"], "the backbone of the version")
        scaling = Scaling.from_json(values["scaling"])
        return cls(values["kind"], values["network"], scaling)


@dataclass(frozen=True)
class SavedNetwork:
    """A network in files.

    Attributes:
        name: Name of the backbone.
        architecture: Everything but the weights.
        files: Files that determine the backbone. The last one has, or lists, the weights.
        image_size: Height and width in pixels that it was trained at; None if the files do not say.
        has_fixed_size: Whether it works at that size only.
    """

    name: str
    architecture: Architecture
    files: tuple[Path, ...]
    image_size: int | None
    has_fixed_size: bool

    def check_image_size(self, image_size: int) -> None:
        """Refuse an image size that the network was not trained at, if it works at no other.

        Args:
            image_size: Height and width in pixels.

        Raises:
            InputError: The size is another one.
        """
        if self.has_fixed_size and self.image_size not in (None, image_size):
            raise InputError(
                f"the backbone {self.name} has positions for pictures of {self.image_size} pixels. "
                f"Set image_size to {self.image_size}. Received: {image_size}"
            )


def is_saved_network(name: str) -> bool:
    """Return whether the name of a backbone is that of a preset or of a saved Keras model."""
    return name.startswith((HUB, KERAS_FILE))


def absolute_name(name: str, folder: Path) -> str:
    """Return the name of a backbone with an absolute path, if there is a path in it.

    Args:
        name: Name of a backbone.
        folder: Absolute folder that a path is relative to.
    """
    prefix, _, rest = name.partition(":")
    is_preset = name.startswith(HUB) and not preset_folder.is_folder_name(rest)
    if not is_saved_network(name) or not rest.strip() or is_preset:
        return name
    return f"{prefix}:{(folder / expand_home(rest)).absolute()}"


def read_saved_network(name: str, scaling: str = AUTO, download: bool = False) -> SavedNetwork:
    """Read the architecture of a network, without its weights.

    Args:
        name: `hub:PRESET`, `hub:FOLDER` or `keras:FILE`.
        scaling: Name of a scaling in `SCALINGS`, or `auto`.
        download: Whether a preset that is not in the local cache may be downloaded.

    Raises:
        InputError: The files are missing or damaged, or name classes or code that are not allowed.
        UnavailableError: The download failed.
    """
    try:
        if name.startswith(HUB):
            return _read_preset(name, scaling, download)
        return _read_keras_file(name, scaling)
    except (InputError, UnavailableError):
        raise
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"the backbone {name} is damaged: its configuration is not as Keras writes it "
            f"({type(error).__name__}: {error}). Save it again"
        ) from error


def vision_encoder(network: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a serialized network that reads images: of CLIP, without the texts."""
    encoder = network.get("config", {}).get("vision_encoder")
    return encoder if isinstance(encoder, dict) else network


def _read_preset(name: str, scaling: str, download: bool) -> SavedNetwork:
    preset_folder.require_keras_hub(name)
    folder = preset_folder.find_preset(name.removeprefix(HUB), download)
    where = f"the preset {folder}"
    files = [folder / preset_folder.CONFIG]
    network = _parsed(files[0].read_bytes(), where)
    if "registered_name" not in network:
        raise InputError(
            f"{where} is not in the format of keras-hub. Load it with "
            "keras_hub.models.Backbone.from_preset, and write it with save_to_preset"
        )
    converter: dict[str, Any] = {}
    if (folder / _IMAGE_CONVERTER).is_file():
        files.append(folder / _IMAGE_CONVERTER)
        converter = _parsed(files[1].read_bytes(), where).get("config", {})
    elif scaling == AUTO:
        raise InputError(
            f"{where} has no {_IMAGE_CONVERTER}, so the scaling of its input is unknown. Save it "
            "with its image converter, or set backbone.scaling"
        )
    config = vision_encoder(network).get("config", {})
    shape = config.get("image_shape") or ()
    fixed = "patch_size" in config and bool(shape)
    return SavedNetwork(
        name,
        Architecture(
            "hub", network, _converted(converter) if scaling == AUTO else SCALINGS[scaling]
        ),
        (*files, *_weight_files(folder, where)),
        _side(shape if fixed else converter.get("image_size") or shape),
        fixed and vision_encoder(network).get("class_name") not in _ANY_SIZE,
    )


def _weight_files(folder: Path, where: str) -> list[Path]:
    index = folder / preset_folder.WEIGHTS_INDEX
    parts = sorted(folder.glob("model_*.weights.h5"))
    single = folder / preset_folder.WEIGHTS
    files = [single] if single.is_file() else [*parts, index]
    if not files[-1].is_file():
        raise InputError(f"{where} has no {preset_folder.WEIGHTS}. Copy the whole folder")
    return files


def _converted(converter: Mapping[str, Any]) -> Scaling:
    """Return what the image converter of a preset does after resizing."""
    scale, offset = converter.get("scale"), converter.get("offset")
    scale = 1.0 if scale is None else scale
    if "variance" in converter and "mean" in converter:  # presets of the first versions
        deviations = [math.sqrt(one) for one in converter["variance"]]
        offset = [-mean / one for mean, one in zip(converter["mean"], deviations, strict=True)]
        scale = [scale / one for one in deviations]
    return Scaling(_factors(scale), _factors(0.0 if offset is None else offset))


def _factors(value: Any) -> float | list[float]:
    """Return one finite number, or three."""
    numbers = [float(one) for one in (value if isinstance(value, list) else [value])]
    if len(numbers) not in (1, 3) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"scaling by {value}")
    return numbers if len(numbers) == 3 else numbers[0]


def _read_keras_file(name: str, scaling: str) -> SavedNetwork:
    path = Path(expand_home(name.removeprefix(KERAS_FILE)))
    where = f"the Keras model {path}"
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{where} {problem}. Give a file that model.save('NAME.keras') wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(_KERAS_ARCHIVE_CONFIG)
            content = b"" if info.file_size > _MAX_CONFIG else archive.read(info)
    except (OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{where} cannot be read: {error}. Give a file that model.save('NAME.keras') wrote"
        ) from None
    network = _parsed(content, where)
    if needs_keras_hub(network):
        preset_folder.require_keras_hub(name)
    architecture = Architecture("keras", network, SCALINGS["none" if scaling == AUTO else scaling])
    return SavedNetwork(name, architecture, (path,), _side(_input_shape(network)), False)


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is damaged: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{where} is damaged: its configuration is no JSON object")
    check_serialized(values, where)
    return values


def _input_shape(network: Mapping[str, Any]) -> list[Any]:
    """Return height, width and channels of the input of a saved model; empty if it does not say."""
    layers = network.get("config", {}).get("layers", [])
    first = layers[0].get("config", {}) if layers and isinstance(layers[0], dict) else {}
    shape = first.get("batch_shape") or network.get("build_config", {}).get("input_shape") or ()
    return list(shape[1:])


def _side(shape: Any) -> int | None:
    """Return the side of square images."""
    sides = list(shape)[:2]
    return sides[0] if len(set(sides)) == 1 and isinstance(sides[0], int) else None
