"""Labels of versions, such as `stable`, which requests may name in place of numbers."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from components.pusher.version_store import VersionStore
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name

#: Number of a version, or a word for one: the serving version, or the newest that is loaded, which
#: may be in shadow.
LabelledVersion: TypeAlias = int | Literal["serving", "newest"]

#: Labels that a server has without being told, while new versions are first in shadow.
SHADOW_LABELS: Mapping[str, LabelledVersion] = {"stable": "serving", "canary": "newest"}

_LABEL = re.compile(r"(?P<label>[A-Za-z0-9_.-]{1,80})=(?P<version>[0-9]{1,18}|newest|serving)")


def parse_version_labels(texts: Sequence[str], store: VersionStore) -> dict[str, LabelledVersion]:
    """Return the versions that labels stand for.

    Args:
        texts: Labels with their versions: `stable=3`, `stable=serving`, `canary=newest`.
        store: Versions of the model.

    Raises:
        InputError: A text is no label with a version, a label is given twice, or there is no such
            version.
    """
    labels: dict[str, LabelledVersion] = {}
    for text in texts:
        match = _LABEL.fullmatch(text)
        if match is None:
            raise InputError(
                f"--version-label {printable_name(text[:80])} is no label with a version. Give one "
                "such as stable=3 or canary=newest."
            )
        label, version = match["label"], match["version"]
        if label in labels:
            raise InputError(f"--version-label {label} is given twice. Leave one of them out.")
        words: dict[str, LabelledVersion] = {"newest": "newest", "serving": "serving"}
        labels[label] = words[version] if version in words else int(version)
    existing = store.versions()
    for label, number in labels.items():
        if isinstance(number, int) and number not in existing:
            known = ", ".join(map(str, existing)) or "none"
            raise InputError(
                f"--version-label {label}={number}: {store.serving} has no version {number}. "
                f"It holds: {known}."
            )
    return labels
