"""What the hard tree of `hard_tree` may have, too: value ranges, split folders, and a manifest."""

import dataclasses
import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from hard_tree import (
    BOARD,
    CLASSES,
    COLOURS,
    MISPLACED,
    PAPER,
    PLAN,
    HardTree,
    make_hard_tree,
)
from odd_pictures import scene
from PIL import Image
from tiny_pictures import encode
from tiny_tiff import tiff_of

#: Splits of the tree with split folders; the hard one is the first.
SPLITS = ("train", "valid", "test")

#: Name of a file -> how grey values from 0 to 1 are stored in it.
RANGES = {
    "10 bit.png": lambda grey: _png(grey, 1023),
    "12 bit.png": lambda grey: _png(grey, 4095),
    "14 bit.tif": lambda grey: tiff_of((grey * 16383).astype("<u2")),
    "16 bit.tif": lambda grey: tiff_of((grey * 65535).astype(">u2")),
    "32 bit integers.tif": lambda grey: tiff_of((grey * 4095).astype("<u4"), deflate=True),
    "floats to 1.tif": lambda grey: tiff_of(grey.astype("<f4")),
    "floats to 4095.tif": lambda grey: tiff_of((grey * 4095).astype("<f4")),
    "hounsfield.tif": lambda grey: tiff_of((grey * 3000 - 1000).astype("<i2")),
    "12 bit pages.tif": lambda grey: _pages(grey, 4095),
    "one colour.png": lambda grey: _png(np.full_like(grey, 0.5), 4095),
}


def make_hard_tree_of_ranges(root: Path) -> HardTree:
    """Write a hard tree with pictures of every value range, and damaged ones.

    Args:
        root: Folder to create.
    """
    tree = make_hard_tree(root)
    rng = np.random.default_rng(1)
    for number, (name, store) in enumerate(RANGES.items()):
        for domain in (PAPER, BOARD, PLAN):
            shape = CLASSES[number % len(CLASSES)]
            image = scene(shape, *COLOURS[domain], rng).convert("L")
            grey = np.asarray(image, np.float64) / 255
            tree.use(f"{domain}/{shape}/{name}", store(grey))
    grey = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    grey[3, 5] = np.nan
    tree.reject(f"{PLAN}/circle/nan.tif", tiff_of(grey.astype("<f4")), "damaged")
    noise = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    content = encode(Image.fromarray(noise), "JPEG", quality=90)
    lost = len(content) // 2
    tree.reject(f"{PLAN}/circle/lost.jpg", content[:-lost] + bytes(lost), "damaged")
    return tree


def put_below_splits(tree: HardTree) -> HardTree:
    """Move a tree into the folder `train` of a new one, and add plain pictures for other splits.

    Args:
        tree: Tree in the layout `<domain>/<class>/`.

    Returns:
        The tree in the layout `<split>/<domain>/<class>/`.
    """
    aside = tree.root.with_name(f"{tree.root.name} aside")
    tree.root.rename(aside)
    tree.root.mkdir()
    aside.rename(tree.root / SPLITS[0])
    misplaced = "not in <split>/<domain>/<class>/"
    moved = HardTree(
        tree.root,
        {f"{SPLITS[0]}/{path}" for path in tree.used},
        {
            f"{SPLITS[0]}/{path}": misplaced if reason == MISPLACED else reason
            for path, reason in tree.rejected.items()
        },
        {f"{SPLITS[0]}/{path}" for path in tree.ignored},
    )
    rng = np.random.default_rng(2)
    for split in SPLITS[1:]:
        for domain in COLOURS:
            for number, shape in enumerate(CLASSES * 2):
                picture = encode(scene(shape, *COLOURS[domain], rng))
                moved.use(f"{split}/{domain}/{shape}/{number}.png", picture)
    moved.reject("read me.txt", b"Pictures of shapes.\n", misplaced)
    moved.ignore("Thumbs.db", b"")
    return moved


@dataclasses.dataclass
class HardManifest:
    """A manifest, and what must become of its rows.

    Attributes:
        path: The manifest.
        used: Paths that must become examples, as their files are called.
        rejected: Path or position -> a part of the reason.
    """

    path: Path
    used: set[str]
    rejected: dict[str, str]


def write_hard_manifest(tree: HardTree) -> HardManifest:
    """Write a manifest of a tree as a spreadsheet on Windows would, with every kind of bad row.

    Paths that are not UTF-8 are left out: a manifest cannot name them.

    Args:
        tree: Tree whose folder the manifest is written to.
    """
    rows, used, rejected = ["sep=;", "Path;DOMAIN; Label ;Split;note;"], set(), {}
    for path in sorted(filter(_is_utf_8, tree.used)):
        domain, label = path.split("/")[:2]
        rows.append(";".join(map(_quoted, [path, domain, label, "", "x", ""])))
        used.add(path)
    [plain, *_] = sorted(path for path in used if path.endswith("/00.png"))
    bad = {
        "C:\\pictures\\a.png": "a path of Windows",
        "paper\\circle\\00.png": "write / for \\",
        "~/a.png": "~ is not expanded",
        "/Users/ann/a.png": "an absolute path, perhaps of another machine",
        "gone.png": "cannot be opened: No such file or directory",
        "paper/circle": "not a regular file",
        "paper/circle/%30%30.png": "Percent signs are not decoded",
    }
    for path, reason in bad.items():
        rows.append(f"{path};paper;circle;;;")
        rejected[path] = reason
    for row, reason in (
        (f"./{plain};paper;square;;;", "path is listed before"),
        (f"{tree.root}/{plain};paper;circle;;;", "path is listed before"),
        ("x.png;paper;circle;Train;;", "Write train"),
        ("y.png;NaN;circle;;;", "which stands for a missing value"),
        ("z.png,paper,circle", "separated by ';' as in the header"),
    ):
        rows.append(row)
        rejected[row.split(";")[0] if ";" in row else f"line {len(_lines(rows))}"] = reason
    path = tree.root / "pictures.csv"
    path.write_text("\r\n".join([*rows, ""]), encoding="utf-8-sig", newline="")
    return HardManifest(path, used, rejected)


def files_on_disk(tree: HardTree, without: str = "snapshot") -> int:
    """Count all files and links below a tree; those of a folder of snapshots count as one.

    Args:
        tree: Tree.
        without: Part of the name of folders of snapshots.
    """
    count = 0
    for folder, folders, names in os.walk(tree.root, followlinks=True):
        real = {parent.resolve() for parent in (Path(folder), *Path(folder).parents)}
        loops = [name for name in folders if Path(folder, name).resolve() in real]
        snapshots = [name for name in folders if without in name]
        count += len(names) + len(loops) + len(snapshots)
        folders[:] = [name for name in folders if name not in (*loops, *snapshots)]
    return count


def _png(grey: npt.NDArray[np.float64], largest: int) -> bytes:
    return encode(Image.fromarray((grey * largest).astype("<u2")))


def _pages(grey: npt.NDArray[np.float64], largest: int) -> bytes:
    first, second = (Image.fromarray((one * largest).astype("<u2")) for one in (grey, 1 - grey))
    file = io.BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=[second])
    return file.getvalue()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(';"\r\n,') else cell


def _lines(rows: list[str]) -> list[str]:
    return "\r\n".join(rows).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _is_utf_8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
