"""Which emoji are among the pictures, in which class, and under which name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

#: Class -> Unicode's subcategories in it. `person-symbol` (footprints, busts) and the silhouettes
#: of `family` are left out: they do not show a person.
CLASSES = {
    "animal": ("animal-*",),
    "building": ("place-building", "place-religious"),
    "clothing": ("clothing",),
    "face": ("face-*",),
    "food": ("food-*", "drink"),
    "hand": ("hand-*", "hands"),
    "person": (
        "person",
        "person-activity",
        "person-fantasy",
        "person-gesture",
        "person-resting",
        "person-role",
        "person-sport",
    ),
    "plant": ("plant-*",),
    "transport": ("transport-air", "transport-ground", "transport-water"),
}

#: What emoji show that are in a subcategory of a class, but do not show what the class is called
#: -> their Unicode names.
EXCLUDED = {
    "traces and parts of animals": (
        "PAW PRINTS",
        "PIG NOSE",
        "SPIDER WEB",
        "MICROBE",
        "FEATHER",
        "WING",
    ),
    "building materials and sites": ("BRICK", "ROCK", "WOOD", "BUILDING CONSTRUCTION"),
    "accessories that are not worn as clothes": (
        "LIPSTICK",
        "RING",
        "GEM STONE",
        "PRAYER BEADS",
        "SHOPPING BAGS",
        "FOLDING HAND FAN",
        "HAIR PICK",
    ),
    "nests": ("EMPTY NEST", "NEST WITH EGGS"),
    "signs, roads and equipment of traffic": (
        "BUS STOP",
        "HORIZONTAL TRAFFIC LIGHT",
        "VERTICAL TRAFFIC LIGHT",
        "CONSTRUCTION SIGN",
        "POLICE CARS REVOLVING LIGHT",
        "OCTAGONAL SIGN",
        "WHEEL",
        "OIL DRUM",
        "MOTORWAY",
        "RAILWAY TRACK",
        "FUEL PUMP",
        "RING BUOY",
        "ANCHOR",
        "SEAT",
    ),
}

_EXCLUDED_NAMES = frozenset(name for names in EXCLUDED.values() for name in names)

_EMOJI_STYLE = "FE0F"
_MAN, _WOMAN, _ADULT = "1F468", "1F469", "1F9D1"
_VARIANT_SIGNS = {"2640", "2642", "27A1"}  # female, male, facing right


@dataclass(frozen=True)
class Emoji:
    """One emoji, the same in every domain.

    Attributes:
        label: Class.
        stem: File name without extension, the same in every domain.
        file_names: Names that a package may give its drawing, in order of preference.
    """

    label: str
    stem: str
    file_names: tuple[str, ...]


def select_emoji(records: list[dict[str, Any]]) -> list[Emoji]:
    """Return the emoji of all classes, in Unicode's order.

    Args:
        records: Entries of `emoji.json`; skin tones are not among them.
    """
    known = {record["unified"] for record in records}
    selected = []
    for record in sorted(records, key=lambda record: record["sort_order"]):
        code, name = record["unified"], record["name"]
        label = picture_class(record["subcategory"])
        if label is None or name in _EXCLUDED_NAMES or is_variant(code, known):
            continue
        names = (record["image"], f"{code}.svg", f"{_without_style(code)}.svg")
        selected.append(Emoji(label, file_stem(code, name), names))
    return selected


def picture_class(subcategory: str) -> str | None:
    """Return the class of a Unicode subcategory, or `None` when no class takes it."""
    for label, patterns in CLASSES.items():
        if any(fnmatchcase(subcategory, pattern) for pattern in patterns):
            return label
    return None


def is_variant(code: str, known: set[str]) -> bool:
    """Return whether an emoji redraws another one with a gender or a direction.

    OpenMoji draws many of them exactly alike, so one would leak from the training split into the
    test split under another name.

    Args:
        code: Code points in upper-case hexadecimal, joined by `-`.
        known: Codes of all emoji.
    """
    first, *rest = code.split("-")
    if _VARIANT_SIGNS.intersection(rest):
        return True
    return bool(rest) and first in (_MAN, _WOMAN) and "-".join([_ADULT, *rest]) in known


def file_stem(code: str, name: str) -> str:
    """Return a file stem such as `1f436-dog-face`: ASCII, lower case, safe on any file system."""
    ascii_name = name.encode("ascii", "ignore").decode().lower()
    words = re.findall("[a-z0-9]+", ascii_name)
    return "-".join([_without_style(code).lower(), *words])


def _without_style(code: str) -> str:
    return "-".join(point for point in code.split("-") if point != _EMOJI_STYLE)
