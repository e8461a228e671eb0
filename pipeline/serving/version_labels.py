"""Labels of versions, such as `stable`, which requests may name in place of numbers."""

import re
from collections.abc import Sequence

from components.pusher.version_store import VersionStore
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name

#: Word for the serving version, whichever it is.
NEWEST = "newest"

_LABEL = re.compile(r"(?P<label>[A-Za-z0-9_.-]{1,80})=(?P<version>[0-9]{1,18}|newest)")


def parse_version_labels(texts: Sequence[str], store: VersionStore) -> dict[str, int | None]:
    """Return the versions that labels stand for; None stands for the serving version.

    Args:
        texts: Labels with their versions: `stable=3`, `canary=newest`.
        store: Versions of the model.

    Raises:
        InputError: A text is no label with a version, a label is given twice, or there is no such
            version.
    """
    labels: dict[str, int | None] = {}
    for text in texts:
        match = _LABEL.fullmatch(text)
        if match is None:
            raise InputError(
                f"--version-label {printable_name(text[:80])} is no label with a version. Give one "
                f"such as stable=3 or canary={NEWEST}."
            )
        label, version = match["label"], match["version"]
        if label in labels:
            raise InputError(f"--version-label {label} is given twice. Leave one of them out.")
        labels[label] = None if version == NEWEST else int(version)
    existing = store.versions()
    for label, number in labels.items():
        if number is not None and number not in existing:
            known = ", ".join(map(str, existing)) or "none"
            raise InputError(
                f"--version-label {label}={number}: {store.serving} has no version {number}. "
                f"It holds: {known}."
            )
    return labels
