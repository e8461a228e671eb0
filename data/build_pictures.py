"""Builds the bundled pictures from three npm packages, byte for byte.

Run it as `python data/build_pictures.py` to write the pictures, or with `--check` to compare them
with what is committed. It needs the packages of `data/requirements.txt`; `data/README.md` says
where the pictures come from and under which licences.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import PIL
from PIL import Image, UnidentifiedImageError, features

DATA = Path(__file__).resolve().parent
PICTURE_SIZE = 72  # pixels, the grid that OpenMoji is drawn on

# Unicode's subcategories of each class. `person-symbol` (footprints, busts) and the silhouettes
# of `family` are left out: they do not show a person.
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

# Emoji, by Unicode name, that belong to a subcategory without showing what its class is called.
MISFITS = frozenset(
    {
        # traces and parts of animals
        *("PAW PRINTS", "PIG NOSE", "SPIDER WEB", "MICROBE", "FEATHER", "WING"),
        # building materials and sites
        *("BRICK", "ROCK", "WOOD", "BUILDING CONSTRUCTION"),
        # accessories that are not worn as clothes
        *("LIPSTICK", "RING", "GEM STONE", "PRAYER BEADS", "SHOPPING BAGS"),
        *("FOLDING HAND FAN", "HAIR PICK"),
        # nests
        *("EMPTY NEST", "NEST WITH EGGS"),
        # signs, ways and equipment of traffic
        *("BUS STOP", "HORIZONTAL TRAFFIC LIGHT", "VERTICAL TRAFFIC LIGHT", "CONSTRUCTION SIGN"),
        *("POLICE CARS REVOLVING LIGHT", "OCTAGONAL SIGN", "WHEEL", "OIL DRUM", "MOTORWAY"),
        *("RAILWAY TRACK", "FUEL PUMP", "RING BUOY", "ANCHOR", "SEAT"),
    }
)

_EMOJI_STYLE = "FE0F"
_MAN, _WOMAN, _ADULT = "1F468", "1F469", "1F9D1"
_VARIANT_SIGNS = {"2640", "2642", "27A1"}  # female, male, facing right


class BuildError(Exception):
    """The pictures cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Package:
    """An npm package at a fixed version.

    Attributes:
        name: as the registry knows it.
        version: the version to fetch.
        integrity: SHA-512 of the tarball in base64, as `npm view <name> dist.integrity` shows it.
    """

    name: str
    version: str
    integrity: str

    @property
    def tarball(self) -> str:
        """File name that `npm pack` gives the tarball."""
        return f"{self.name}-{self.version}.tgz"


@dataclass(frozen=True)
class Domain:
    """A set of drawings.

    Attributes:
        folder: where its pictures go, relative to `data/`.
        package: the npm package that holds the drawings.
        members: folder of the drawings inside that package.
    """

    folder: str
    package: Package
    members: str


@dataclass(frozen=True)
class Emoji:
    """One emoji, the same in every domain.

    Attributes:
        label: its class.
        stem: file name without extension, the same in every domain.
        file_names: names that a package may give its drawing, in order of preference.
    """

    label: str
    stem: str
    file_names: tuple[str, ...]


GOOGLE = Package(
    "emoji-datasource-google",
    "16.0.0",
    "ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==",
)
TWITTER = Package(
    "emoji-datasource-twitter",
    "16.0.0",
    "7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==",
)
OPENMOJI = Package(
    "openmoji",
    "17.0.0",
    "EBnYrNGdcdw+OSXmENeNE1yBNRu6tOraTmoOyUbJkTmvT/+XETp8RZLSJFzD3lrPc5N9CzsyPnRTk0Vp4UaI9w==",
)
DOMAINS = {
    "noto": Domain("pictures/noto", GOOGLE, "img/google/64/"),
    "twemoji": Domain("pictures/twemoji", TWITTER, "img/twitter/64/"),
    "openmoji": Domain("pictures/openmoji", OPENMOJI, "color/svg/"),
    "line-art": Domain("incoming/2026-line-art/line-art", OPENMOJI, "black/svg/"),
}
EMOJI_LIST = "emoji.json"  # the same file in both emoji-datasource packages

Drawings = dict[str, Image.Image]  # stem -> picture
Files = dict[str, bytes]  # path -> content


def picture_class(subcategory: str) -> str | None:
    """Returns the class of a Unicode subcategory, or `None` when no class takes it."""
    for label, patterns in CLASSES.items():
        if any(fnmatchcase(subcategory, pattern) for pattern in patterns):
            return label
    return None


def is_variant(code: str, known: set[str]) -> bool:
    """Tells whether an emoji redraws another one with a gender or a direction.

    OpenMoji draws many of them exactly alike, so one would leak from the training split into the
    test split under another name.

    Args:
        code: code points in upper-case hexadecimal, joined by `-`.
        known: the codes of all emoji.
    """
    first, *rest = code.split("-")
    if _VARIANT_SIGNS.intersection(rest):
        return True
    return bool(rest) and first in (_MAN, _WOMAN) and "-".join([_ADULT, *rest]) in known


def file_stem(code: str, name: str) -> str:
    """Returns a file stem such as `1f436-dog-face`: ASCII, lower case, safe on any file system."""
    ascii_name = name.encode("ascii", "ignore").decode().lower()
    words = re.findall("[a-z0-9]+", ascii_name)
    return "-".join([_without_style(code).lower(), *words])


def _without_style(code: str) -> str:
    return "-".join(point for point in code.split("-") if point != _EMOJI_STYLE)


def select_emoji(records: list[dict]) -> list[Emoji]:
    """Applies the class rule to the entries of `emoji.json`; skin tones are not among them."""
    known = {record["unified"] for record in records}
    selected = []
    for record in sorted(records, key=lambda record: record["sort_order"]):
        code, name = record["unified"], record["name"]
        label = picture_class(record["subcategory"])
        if label is None or name in MISFITS or is_variant(code, known):
            continue
        names = (record["image"], f"{code}.svg", f"{_without_style(code)}.svg")
        selected.append(Emoji(label, file_stem(code, name), names))
    return selected


def fetch(package: Package, folder: Path) -> Path:
    """Returns the checked tarball of a package, after downloading it when `folder` has none.

    Raises:
        BuildError: npm is missing or fails, or the tarball is not the expected one.
    """
    tarball = folder / package.tarball
    if not tarball.exists():
        _npm_pack(package, folder)
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if digest != package.integrity:
        raise BuildError(
            f"{tarball} is not {package.name} {package.version}: delete it, so that it is "
            f"fetched again. Expected sha512-{package.integrity}. Received: sha512-{digest}"
        )
    return tarball


def _npm_pack(package: Package, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError(
            f"npm is needed to download {package.tarball}: install it, or put the tarball into "
            "a folder and name that folder with --packages."
        )
    _say(f"downloading {package.name} {package.version}")
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode or not (folder / package.tarball).exists():
        raise BuildError(
            f"npm could not download {package.name}@{package.version}; check the network. "
            f"Received: {result.stderr.strip() or f'exit code {result.returncode}'}"
        )


def read_members(tarball: Path, wanted: Iterable[str]) -> Files:
    """Reads the files of a package whose path starts with one of the `wanted` prefixes."""
    prefixes = tuple(wanted)
    members = {}
    with tarfile.open(tarball, "r|gz") as archive:
        for member in archive:
            path = member.name.removeprefix("package/")
            content = archive.extractfile(member) if path.startswith(prefixes) else None
            if content is not None:
                members[path] = content.read()
    return members


def flatten(picture: Image.Image) -> Image.Image:
    """Centres a picture on a white square of 72 px, without resampling it.

    Args:
        picture: any mode, at most 72 px high and wide.

    Returns:
        The same picture, RGB.

    Raises:
        BuildError: the picture is too large.
    """
    if max(picture.size) > PICTURE_SIZE:
        raise BuildError(
            f"a drawing must be at most {PICTURE_SIZE} px high and wide. Received: {picture.size}"
        )
    offset = tuple((PICTURE_SIZE - side) // 2 for side in picture.size)
    canvas = Image.new("RGBA", (PICTURE_SIZE, PICTURE_SIZE), "white")
    canvas.alpha_composite(picture.convert("RGBA"), offset)
    return canvas.convert("RGB")


def load_renderer() -> Callable[..., bytes]:
    """Returns resvg's function from SVG to PNG; only building needs it, the tests do not.

    Raises:
        BuildError: resvg-py is not installed.
    """
    try:
        from resvg_py import svg_to_bytes  # type: ignore[import-not-found]
    except ImportError as error:
        raise BuildError(
            "OpenMoji's drawings are SVG and need resvg-py: "
            "pip install --require-hashes -r data/requirements.txt"
        ) from error
    return svg_to_bytes


def decode(drawing: bytes, is_svg: bool) -> Image.Image:
    """Returns the picture in a PNG, or renders the one in an SVG at 72 px."""
    if is_svg:
        # System fonts would make the result depend on the machine.
        drawing = load_renderer()(
            svg_string=drawing.decode(),
            width=PICTURE_SIZE,
            height=PICTURE_SIZE,
            skip_system_fonts=True,
        )
    return Image.open(io.BytesIO(drawing))


def encode(picture: Image.Image) -> bytes:
    """Writes a PNG. Strategy 1 (Z_FILTERED) gave the smallest files for these pictures."""
    target = io.BytesIO()
    picture.save(target, "PNG", compress_level=9, compress_type=1)
    return target.getvalue()


def draw(emoji: Emoji, domain: Domain, members: Files) -> Image.Image:
    """Returns the picture of an emoji in a domain: RGB, 72 px.

    Raises:
        BuildError: the package has no drawing of it.
    """
    for name in emoji.file_names:
        drawing = members.get(domain.members + name)
        if drawing is not None:
            return flatten(decode(drawing, is_svg=name.endswith(".svg")))
    raise BuildError(
        f"{domain.package.tarball} has no drawing of {emoji.stem} in {domain.members}. "
        f"Looked for: {', '.join(emoji.file_names)}"
    )


def drop_repeated(emoji: list[Emoji], drawn: dict[str, Drawings]) -> list[Emoji]:
    """Drops every emoji that some domain draws, pixel for pixel, like an earlier one."""
    seen: set[tuple[str, bytes]] = set()
    kept = []
    for one in emoji:
        pixels = {(domain, drawings[one.stem].tobytes()) for domain, drawings in drawn.items()}
        if seen.isdisjoint(pixels):
            kept.append(one)
            seen |= pixels
    return kept


def build(packages: Path) -> Files:
    """Builds all pictures.

    Args:
        packages: folder of the npm tarballs; those that are missing are downloaded into it.

    Returns:
        The PNG files by their path relative to `data/`.

    Raises:
        BuildError: a package or a drawing cannot be had.
    """
    tarballs = {package: fetch(package, packages) for package in (GOOGLE, TWITTER, OPENMOJI)}
    records = json.loads(read_members(tarballs[GOOGLE], [EMOJI_LIST])[EMOJI_LIST])
    emoji = select_emoji(records)
    drawn = {}
    for name, domain in DOMAINS.items():
        _say(f"drawing {len(emoji)} emoji of {name}")
        members = read_members(tarballs[domain.package], [domain.members])
        drawn[name] = {one.stem: draw(one, domain, members) for one in emoji}
    kept = drop_repeated(emoji, drawn)
    _say(f"encoding {len(kept)} emoji; {len(emoji) - len(kept)} look exactly like another one")
    return {
        f"{domain.folder}/{one.label}/{one.stem}.png": encode(drawn[name][one.stem])
        for name, domain in DOMAINS.items()
        for one in kept
    }


def read_committed(root: Path) -> Files:
    """Returns the files that the domains' folders under `root` hold, by relative path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for domain in DOMAINS.values()
        for path in sorted((root / domain.folder).rglob("*"))
        if path.is_file()
    }


def write(built: Files, root: Path) -> None:
    """Makes the domains' folders under `root` hold exactly the files that were built."""
    for path in read_committed(root).keys() - built.keys():
        (root / path).unlink()
    for path, content in built.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@dataclass(frozen=True)
class Differences:
    """How committed pictures differ from built ones; each field lists paths.

    Attributes:
        missing: built, but not committed.
        extra: committed, but not built.
        pixels: another picture, or no picture at all.
        compression: the same pixels in other bytes.
    """

    missing: list[str]
    extra: list[str]
    pixels: list[str]
    compression: list[str]

    @property
    def matter(self) -> bool:
        """Whether anybody could see a difference."""
        return bool(self.missing or self.extra or self.pixels)


def compare(committed: Files, built: Files) -> Differences:
    """Compares two sets of PNG files, each by path."""
    changed = sorted(
        path for path in committed.keys() & built.keys() if committed[path] != built[path]
    )
    same_pixels = {path for path in changed if _same_pixels(committed[path], built[path])}
    return Differences(
        missing=sorted(built.keys() - committed.keys()),
        extra=sorted(committed.keys() - built.keys()),
        pixels=[path for path in changed if path not in same_pixels],
        compression=sorted(same_pixels),
    )


def _same_pixels(committed: bytes, built: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(committed)) as left, Image.open(io.BytesIO(built)) as right:
            return (left.mode, left.size, left.tobytes()) == (
                right.mode,
                right.size,
                right.tobytes(),
            )
    except (UnidentifiedImageError, OSError, SyntaxError):  # what Pillow raises on a broken PNG
        return False


def describe(differences: Differences) -> list[str]:
    """Returns one line for each kind of difference, with the first path as an example."""
    kinds = [
        (differences.missing, "missing; run data/build_pictures.py to add them"),
        (differences.extra, "not built from the packages; remove them"),
        (differences.pixels, "different in their pixels from what the packages give"),
        (
            differences.compression,
            "the same in every pixel, only compressed differently, which is no error "
            f"(here: Pillow {PIL.__version__}, zlib {features.version('zlib')})",
        ),
    ]
    return [f"{what}: {len(paths)}, such as {paths[0]}" for paths, what in kinds if paths]


def check(built: Files, root: Path) -> int:
    """Reports how `root` differs from what was built; returns the exit code."""
    differences = compare(read_committed(root), built)
    for line in describe(differences):
        _say(line)
    if differences.matter:
        return 1
    _say(f"all {len(built)} pictures are what the packages give")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Build the bundled pictures from npm packages.",
        epilog="Exit codes: 0 done, 1 --check found a difference, 2 the build is not possible.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; compare with the committed pictures",
    )
    parser.add_argument(
        "--packages",
        type=Path,
        metavar="FOLDER",
        help="folder of the npm tarballs; missing ones are downloaded into it "
        "(default: a temporary folder)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _arguments(argv)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = arguments.packages or Path(temporary)
            if not folder.is_dir():
                raise BuildError(f"--packages must be a folder. Received: {folder}")
            built = build(folder)
    except BuildError as error:
        _say(f"build_pictures: {error}")
        return 2
    if arguments.check:
        return check(built, DATA)
    write(built, DATA)
    _say(f"wrote {len(built)} pictures, {sum(map(len, built.values())):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
