"""Folders of pictures as hard as real ones: odd files, odd names, links, copies; and large ones."""

import itertools
import math
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from odd_pictures import BAD, GOOD, Colour, scene
from PIL import Image
from tiny_pictures import encode

CLASSES = ("circle", "square", "cross")
PAPER, BOARD, PLAN = "paper", "Tafel bei Nacht \u263e", "blueprint"
#: Domain -> colours of its ground and of what is drawn on it.
COLOURS: dict[str, tuple[Colour, Colour]] = {
    PAPER: ((238, 234, 228), (50, 30, 60)),
    BOARD: ((45, 55, 50), (225, 220, 190)),
    PLAN: ((20, 50, 130), (210, 225, 240)),
}

ODD_NAMES = (
    os.fsdecode(b"caf\xe9.png"),  # Latin-1: no UTF-8
    "\U0001f408.png",
    "\u0635\u0648\u0631\u0629.png",  # written from right to left
    "two words.png",
    " padded .png ",
    "it's.png",
    'the "best".png',
    "$(touch x).png",
    "100%s.png",
    "{braces}.png",
    "a;b.png",
    "a,b.png",
    "=1+1.png",
    "#1 & more?.png",
    "[1]*.png",
    "two\nlines.png",
    "carriage\rreturn.png",
    "tab\there.png",
    "back\\slash.png",
    "-rf.png",
    "~.png",
    "UPPER.PNG",
    "no extension",
    "wrong extension.txt",
    "n" * 251 + ".png",  # 255 bytes, the most that file systems take
    "a/b/c/d/e/f.png",
    os.fsdecode(b"caf\xe9/g.png"),
    "folder.png/h.png",
)
REJECTED_NAMES = ("two\nlines too.png", '=2+3,"x".png', os.fsdecode(b"\xff.png"))
IGNORED = (
    ".DS_Store",
    f"{PAPER}/circle/.DS_Store",
    f"{PAPER}/circle/._00.jpg",  # AppleDouble: what macOS keeps beside 00.jpg on foreign disks
    f"{PAPER}/circle/.hidden.png",
    f"{PAPER}/circle/.thumbnails/00.png",
    f"{PAPER}/square/Thumbs.db",
    f"{BOARD}/desktop.ini",
    "@eaDir/thumb.jpg",
    f"{PAPER}/circle/@eaDir/00.png/SYNOPHOTO_THUMB_M.jpg",
    f"{PAPER}/#recycle/circle/old.png",
    "$RECYCLE.BIN/S-1-5-18/$R0001.png",
    "System Volume Information/IndexerVolumeGuid",
    "lost+found/#12345",
    f"__MACOSX/{PAPER}/circle/._00.png",
    ".Trash-1000/files/old.png",
    f"{PLAN}/cross/.ipynb_checkpoints/00-checkpoint.png",
    "~snapshot/hourly.0",  # a folder of snapshots is not entered, and counts as one
    f"{PLAN}/cross/99.png.part",
    f"{PLAN}/cross/99.png.crdownload",
)

MISPLACED = "not in <domain>/<class>/"
NOT_OPENED = "cannot be opened"
NOT_REGULAR = "not a regular file"
NOT_UTF_8 = "domain or class is not named in UTF-8"
LOOP = "link to a folder that holds it"

#: Of `many_pictures`.
DOMAINS, CLASSES_PER_DOMAIN, SIDE = 4, 10, 64


@dataclass
class HardTree:
    """A folder of pictures, and what must become of each file in it.

    Attributes:
        root: the data folder.
        used: paths, relative to `root`, that must become examples.
        rejected: path -> reason, up to its colon.
        ignored: paths of hidden and system files.
    """

    root: Path
    used: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)

    @property
    def outside(self) -> Path:
        """Folder beside the tree that links lead to."""
        return self.root.with_name(f"{self.root.name} elsewhere")

    def use(self, path: str, content: bytes) -> None:
        """Write a file that must be used."""
        _write(self.root / path, content)
        self.used.add(path)

    def reject(self, path: str, content: bytes, reason: str) -> None:
        """Write a file that must be rejected."""
        _write(self.root / path, content)
        self.rejected[path] = reason

    def ignore(self, path: str, content: bytes) -> None:
        """Write a file that nobody means as a picture."""
        _write(self.root / path, content)
        self.ignored.add(path)

    def link(self, path: str, target: Path | str) -> None:
        """Write a symbolic link; what becomes of it is up to the caller."""
        (self.root / path).symlink_to(target)

    def read(self, path: str) -> bytes:
        """Content of a file in the tree."""
        return (self.root / path).read_bytes()

    def unlock(self) -> None:
        """Make every file readable and writable again, so that the tree can be copied."""
        for path in self.root.rglob("*"):
            if not path.is_symlink() and path.is_file():
                path.chmod(0o600)


def make_hard_tree(root: Path, per_class: int = 14) -> HardTree:
    """Write three domains of drawn shapes, with everything awkward that people have among them.

    Shapes of a class look alike in every domain but for their colours, also in odd files, so a
    small model learns them. The classes: three in all domains; `triangle`, only in one; `Circle`,
    with three pictures, beside `circle`; `lonely`, with one picture; `empty`, without any.
    Links lead to a folder beside the tree. Needs a file system that tells letter cases and Unicode
    forms apart and takes any bytes for a name, as those of Linux do.

    Args:
        root: folder to create; the one beside it is called like it, with " elsewhere" after.
        per_class: plain pictures per class and domain.
    """
    tree = HardTree(root)
    rng = np.random.default_rng(0)
    _plain_pictures(tree, per_class, rng)
    _odd_pictures(tree, rng)
    _odd_names(tree, rng)
    _odd_classes(tree, per_class, rng)
    _copies(tree)
    _bad_files(tree)
    _unwanted_files(tree, rng)
    _links(tree, rng)
    _special_files(tree, rng)
    return tree


def _drawn(domain: str, shape: str, rng: np.random.Generator) -> Image.Image:
    return scene(shape, *COLOURS[domain], rng)


def _places() -> Iterator[tuple[str, str]]:
    """Every domain and class in turn, for ever."""
    return itertools.cycle(itertools.product(COLOURS, CLASSES))


def _plain_pictures(tree: HardTree, per_class: int, rng: np.random.Generator) -> None:
    for domain, shape in itertools.product(COLOURS, CLASSES):
        for number in range(per_class):
            path = f"{domain}/{shape}/{number:02d}.png"
            tree.use(path, encode(_drawn(domain, shape, rng)))


def _odd_pictures(tree: HardTree, rng: np.random.Generator) -> None:
    for (name, kind), (domain, shape) in zip(GOOD.items(), _places(), strict=False):
        tree.use(f"{domain}/{shape}/{name}", kind.encode(_drawn(domain, shape, rng)))


def _odd_names(tree: HardTree, rng: np.random.Generator) -> None:
    for form in ("NFC", "NFD"):  # one name to the eye, two to the file system
        name = unicodedata.normalize(form, "caf\u00e9.png")
        tree.use(f"{PAPER}/circle/{name}", encode(_drawn(PAPER, "circle", rng)))
    for name, (domain, shape) in zip(ODD_NAMES, _places(), strict=False):
        tree.use(f"{domain}/{shape}/{name}", encode(_drawn(domain, shape, rng)))
    for name, (domain, shape) in zip(REJECTED_NAMES, _places(), strict=False):
        tree.reject(f"{domain}/{shape}/{name}", b"", "empty file")


def _odd_classes(tree: HardTree, per_class: int, rng: np.random.Generator) -> None:
    for number in range(per_class):
        tree.use(f"{PAPER}/triangle/{number:02d}.png", encode(_drawn(PAPER, "triangle", rng)))
    for number in range(3):
        tree.use(f"{BOARD}/Circle/{number:02d}.png", encode(_drawn(BOARD, "circle", rng)))
    tree.use(f"{PLAN}/lonely/00.png", encode(_drawn(PLAN, "triangle", rng)))
    (tree.root / PLAN / "empty").mkdir()
    for name in (b"paper/caf\xe9/00.png", b"caf\xe9/circle/00.png"):
        tree.reject(os.fsdecode(name), encode(_drawn(PAPER, "circle", rng)), NOT_UTF_8)


def _copies(tree: HardTree) -> None:
    tree.use(f"{PLAN}/circle/copy of another domain.png", tree.read(f"{PAPER}/circle/00.png"))
    tree.use(f"{PAPER}/square/copy of another class.png", tree.read(f"{PAPER}/circle/01.png"))
    with Image.open(tree.root / PAPER / "cross/00.png") as image:
        tree.use(f"{PAPER}/cross/almost 00.jpg", encode(image, "JPEG", quality=90))


def _bad_files(tree: HardTree) -> None:
    for (name, bad), (domain, shape) in zip(BAD.items(), _places(), strict=False):
        tree.reject(f"{domain}/{shape}/{name}", bad.content, bad.reason)


def _unwanted_files(tree: HardTree, rng: np.random.Generator) -> None:
    picture = encode(_drawn(PAPER, "circle", rng))
    for path in IGNORED:
        tree.ignore(path, picture)
    for path in ("stray.png", f"{PAPER}/stray.png"):
        tree.reject(path, picture, MISPLACED)
    tree.reject("read me.txt", b"Pictures of shapes.\n", MISPLACED)
    tree.reject(f"{PAPER}/labels.csv", b"path,label\n", MISPLACED)


def _links(tree: HardTree, rng: np.random.Generator) -> None:
    _write(tree.outside / "square.png", encode(_drawn(PLAN, "square", rng)))
    tree.link(f"{PLAN}/square/linked.png", tree.outside / "square.png")
    tree.used.add(f"{PLAN}/square/linked.png")

    tree.link(f"{PLAN}/cross/linked", tree.outside / "crosses")
    for name in ("00.png", "deeper/01.png"):
        _write(tree.outside / "crosses" / name, encode(_drawn(PLAN, "cross", rng)))
        tree.used.add(f"{PLAN}/cross/linked/{name}")

    tree.link(f"{PAPER}/circle/gone.png", "nowhere.png")
    tree.link(f"{PAPER}/circle/self.png", "self.png")
    tree.link(f"{PAPER}/circle/parent", "..")
    tree.link(f"{PAPER}/circle/endless.png", "/dev/zero")
    tree.rejected |= {
        f"{PAPER}/circle/gone.png": NOT_OPENED,
        f"{PAPER}/circle/self.png": NOT_OPENED,
        f"{PAPER}/circle/parent": LOOP,
        f"{PAPER}/circle/endless.png": NOT_REGULAR,
    }


def _special_files(tree: HardTree, rng: np.random.Generator) -> None:
    os.mkfifo(tree.root / BOARD / "circle/pipe.png")
    tree.rejected[f"{BOARD}/circle/pipe.png"] = NOT_REGULAR

    locked = f"{BOARD}/circle/locked.png"
    tree.use(locked, encode(_drawn(BOARD, "circle", rng)))
    (tree.root / locked).chmod(0)
    if not os.access(tree.root / locked, os.R_OK):  # root may read everything
        tree.used.remove(locked)
        tree.rejected[locked] = NOT_OPENED


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def many_classes(root: Path, classes: int = 1000, per_class: int = 3) -> Path:
    """Write two domains of many classes; each has a pattern of its own, in 8x8 pixels.

    Args:
        root: folder to create.
        classes: in each domain.
        per_class: pictures per class and domain; they differ by noise.

    Returns:
        The root.
    """
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (classes, 8, 8, 3))
    for domain, light in {"day": 30, "night": -30}.items():
        for label, pattern in enumerate(patterns):
            folder = root / domain / f"class {label:04d}"
            folder.mkdir(parents=True)
            for number in range(per_class):
                pixels = pattern + light + rng.integers(-20, 21, pattern.shape)
                image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
                (folder / f"{number}.png").write_bytes(encode(image))
    return root


def many_pictures(root: Path, count: int, different: int = 200, seed: int = 0) -> Path:
    """Write JPEG files of 64x64 pixels, all different in their bytes.

    The classes are directions of stripes, the domains are colours.

    Args:
        root: folder to create, with `DOMAINS` folders of `CLASSES_PER_DOMAIN` folders each.
        count: number of files; they are dealt out to the folders in turn.
        different: number of pictures that also differ in their pixels, at least one per folder.
        seed: two seeds have no picture in common.

    Returns:
        The root.
    """
    places = list(itertools.product(range(DOMAINS), range(CLASSES_PER_DOMAIN)))
    folders = [root / f"domain {domain}" / f"class {label}" for domain, label in places]
    for folder in folders:
        folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    stock = [
        [_stripes(*place, rng) for _ in range(max(1, different // len(places)))] for place in places
    ]
    for number in range(count):
        turn, place = divmod(number, len(places))
        content = stock[place][turn % len(stock[place])]
        comment = b"\xff\xfe\x00\x0a%08d" % number
        (folders[place] / f"{number:08d}.jpg").write_bytes(content[:2] + comment + content[2:])
    return root


def _stripes(domain: int, label: int, rng: np.random.Generator) -> bytes:
    angle = math.pi * label / CLASSES_PER_DOMAIN
    y, x = np.mgrid[:SIDE, :SIDE]
    place = x * math.cos(angle) + y * math.sin(angle)
    wave = np.sin(place / 2.5 + rng.uniform(0, 2 * math.pi))[..., None]
    ground = np.array([60 + 45 * domain, 200 - 45 * domain, 90 + 30 * domain])
    pixels = ground + 40 * wave + rng.normal(0, 8, (SIDE, SIDE, 3))
    return encode(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), "JPEG")
