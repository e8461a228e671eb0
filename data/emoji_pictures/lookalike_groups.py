"""Emoji that look alike: their pictures share a split, so that none tests what another trains."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

#: Stems of emoji that look alike in at least one domain: their perceptual hashes differ in at most
#: 24 of 256 bits. `carryover inspect` lists such pairs in `lookalikes.csv`.
GROUPS = (
    ("1f34e-red-apple", "1f34f-green-apple"),
    ("1f408-cat", "1f408-200d-2b1b-black-cat"),
    ("1f415-200d-1f9ba-service-dog", "1f9ae-guide-dog"),
    (
        "1f471-person-with-blond-hair",
        "1f64e-person-with-pouting-face",
        "1f9d1-adult",
        "1f9d4-bearded-person",
        "1f9db-vampire",
    ),
    ("1f47f-imp", "1f608-smiling-face-with-horns"),
    ("1f600-grinning-face", "1f604-smiling-face-with-open-mouth-and-smiling-eyes"),
    (
        "1f603-smiling-face-with-open-mouth",
        "1f606-smiling-face-with-open-mouth-and-tightly-closed-eyes",
    ),
    ("1f610-neutral-face", "1f636-face-without-mouth", "1f642-slightly-smiling-face"),
    ("1f617-kissing-face", "1f619-kissing-face-with-smiling-eyes"),
    (
        "1f61b-face-with-stuck-out-tongue",
        "1f61d-face-with-stuck-out-tongue-and-tightly-closed-eyes",
    ),
    ("1f620-angry-face", "1f621-pouting-face"),
    ("1f626-frowning-face-with-open-mouth", "1f627-anguished-face", "1f628-fearful-face"),
    ("1f641-slightly-frowning-face", "2639-frowning-face"),
    ("1f64f-person-with-folded-hands", "1f932-palms-up-together"),
    ("1f694-oncoming-police-car", "1f698-oncoming-automobile"),
    ("1f935-man-in-tuxedo", "1f9d1-200d-1f4bc-office-worker"),
    ("1fac3-pregnant-man", "1fac4-pregnant-person"),
)

#: Name of the file with the groups, beside the folders of the domains.
SIDECAR = "sidecar.csv"


def sidecar_files(paths: Iterable[str]) -> dict[str, bytes]:
    """Return the content of the sidecars of some pictures, by path.

    Args:
        paths: Paths of the pictures, `<folder>/<domain>/<class>/<stem>.png`.
    """
    group_of = {stem: group[0] for group in GROUPS for stem in group}
    lines: dict[PurePosixPath, list[str]] = {}
    for picture in map(PurePosixPath, sorted(paths)):
        if picture.stem in group_of:
            folder = picture.parents[2]
            row = f"{picture.relative_to(folder)},{group_of[picture.stem]}"
            lines.setdefault(folder / SIDECAR, ["path,group"]).append(row)
    return {str(path): "".join(f"{row}\n" for row in rows).encode() for path, rows in lines.items()}
