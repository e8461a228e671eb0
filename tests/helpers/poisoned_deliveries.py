"""Deliveries that no one should make, each made by a function that gets its path in the inbox.

`POISON` has the outcome of each: the state of its batch, and a part of the reason.
"""

import os
import pickle
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from tiny_pictures import png_of, solid, write_files

HEADER = "path,domain,label\n"
SPARSE = 40 * 2**30

TEXT = b"The picture is on the other disk.\n"

Make = Callable[[Path], None]


#: Whether the csv module refuses a file with a NUL character, as it does before Python 3.11.
OLD_CSV = sys.version_info < (3, 11)


class Poison(NamedTuple):
    """A delivery: its name, what makes it, and what must become of it."""

    name: str
    make: Make
    state: str
    reason: str


def _text(content: str | bytes) -> Make:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda path: _write(path, data)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _rows(*paths: str) -> Make:
    return _text(HEADER + "".join(f"{path},night,red\n" for path in paths))


def _files(**files: bytes) -> Make:
    """Write a folder; the keys are paths with __ for /."""
    names = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
    return lambda path: _ready(write_files(path, names))


def _ready(path: Path) -> None:
    (path / "_READY").touch()


def _folder(path: Path) -> Path:
    folder = path / "night" / "red"
    folder.mkdir(parents=True)
    _ready(path)
    return folder


def _link(target: str) -> Make:
    return lambda path: path.symlink_to(target)


def _linked_picture(target: str) -> Make:
    return lambda path: (_folder(path) / "1.png").symlink_to(target)


def _sparse(path: Path, start: bytes = b"") -> None:
    path.write_bytes(start)
    os.truncate(path, SPARSE)


def _node(kind: int) -> Make:
    return lambda path: os.mknod(path, kind | 0o600)


def _fifo_as_picture(path: Path) -> None:
    os.mkfifo(_folder(path) / "1.png")


def _fifo_as_sidecar(path: Path) -> None:
    (_folder(path) / "1.png").write_bytes(solid("red"))
    os.mkfifo(path / "sidecar.csv")


def _linked_sidecar(path: Path) -> None:
    (_folder(path) / "1.png").write_bytes(solid("red"))
    (path / "sidecar.csv").symlink_to("/etc/passwd")


def add_deep_folders(folder: Path, name: str, levels: int) -> None:
    """Make folders in folders, also where their path is too long for the operating system."""
    opened = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=opened)
        deeper = os.open(name, os.O_RDONLY, dir_fd=opened)
        os.close(opened)
        opened = deeper
    os.close(opened)


def _deep(name: str, levels: int) -> Make:
    def make(path: Path) -> None:
        (_folder(path) / "1.png").write_bytes(TEXT)
        add_deep_folders(path / "night" / "red", name, levels)

    return make


def _deep_alone(path: Path) -> None:
    """Make folders that hold nothing but one another."""
    path.mkdir()
    _ready(path)
    add_deep_folders(path, "d", 1100)


def _links_to_each_other(path: Path) -> None:
    """Make folders whose links have 2^20 paths."""
    folder = _folder(path)
    (folder / "1.png").write_bytes(b"")
    for level in range(20):
        (folder / str(level)).mkdir()
        for name in "ab":
            (folder / str(level) / name).symlink_to(f"../{level + 1}")
    (folder / "20").mkdir()


def _loops(path: Path) -> None:
    folder = _folder(path)
    for target in (".", "..", "../..", "../../..", "self"):
        (folder / ("self" if target == "self" else f"to{len(target)}")).symlink_to(target)
    (folder / "root").symlink_to("/")


def _many_files(path: Path) -> None:
    folder = _folder(path)
    for number in range(500):
        (folder / f"{number}.png").touch()


def pickled_type(path: Path, payload: bytes | None = None) -> None:
    """Write a Parquet manifest with an extension type that Arrow before 14.0.1 unpickles."""
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": payload or pickle.dumps(dict),
    }
    schema = pa.schema(
        [
            pa.field("path", pa.string(), metadata=metadata),
            pa.field("domain", pa.string()),
            pa.field("label", pa.string()),
        ]
    )
    columns = [pa.array([text]) for text in ("a.png", "night", "red")]
    pq.write_table(pa.table(columns, schema=schema), path)


def _parquet(**columns: list[object]) -> Make:
    return lambda path: pq.write_table(pa.table(columns), path)


def _cut_off_parquet(path: Path) -> None:
    _parquet(path=["a.png"] * 100, domain=["a"] * 100, label=["b"] * 100)(path)
    path.write_bytes(path.read_bytes()[:-20])


def _damaged_parquet(path: Path) -> None:
    names = [f"{number}.png" for number in range(100)]
    _parquet(path=names, domain=["a"] * 100, label=["b"] * 100)(path)
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(200) + content[204:])


LONG = "n" * 251
NOT_UTF_8 = os.fsdecode(b"caf\xe9")
CONTROLS = "\x1b]0;owned\x07\x1b[31mRED\nmonday: pushed: version 99"
OUTSIDE = "outside the inbox and retrain.allowed_roots"
NO_PICTURE = "no picture of the batch is usable"

POISON = [
    Poison("dead-link.csv", _link("missing.csv"), "waiting", "No such file"),
    Poison("dead-link", _link("missing"), "waiting", "No such file"),
    Poison("dead-link-out.csv", _link("/nonexistent"), "held", OUTSIDE),
    Poison("link-loop.csv", _link("link-loop.csv"), "waiting", "Too many levels"),
    Poison("link-to-passwd.csv", _link("/etc/passwd"), "held", OUTSIDE),
    Poison("link-to-zero.csv", _link("/dev/zero"), "held", OUTSIDE),
    Poison("link-to-root", _link("/"), "held", OUTSIDE),
    Poison("pipe.csv", _node(stat.S_IFIFO), "held", "not a regular file"),
    Poison("pipe", _node(stat.S_IFIFO), "held", "is a pipe"),
    Poison("socket", _node(stat.S_IFSOCK), "held", "is a socket"),
    Poison("socket.parquet", _node(stat.S_IFSOCK), "held", "not a regular file"),
    Poison(
        "names-others.csv",
        _rows("/etc/passwd", "../../../etc/shadow", "file:///etc/passwd", "/proc/self/environ"),
        "held",
        f"3 of 4 files are {OUTSIDE}; the first is /etc/passwd",
    ),
    Poison("names-a-device.csv", _rows("/dev/zero"), "held", "add /dev to the config key"),
    Poison(
        "names-uris.csv",
        _rows(
            "http://127.0.0.1:1/x.png", "gopher://x/y", "s3://b/k.png", "hdfs://b/k", "file://h/x"
        ),
        "held",
        f"5 of 5 files are {OUTSIDE}",
    ),
    Poison("names-itself.csv", _rows("names-itself.csv"), "held", "not a picture in a known"),
    Poison("names-a-folder.csv", _rows("."), "held", "not a regular file"),
    # Python 3.10 refuses the file, later versions read it and the row is refused.
    Poison("nul.csv", _rows("a\0b.png"), "held", "cannot be " if OLD_CSV else "malformed row"),
    Poison("long-path.csv", _rows("a" * 300 + ".png"), "held", "1 cannot be opened (aaa"),
    Poison("header.csv", _text(HEADER), "held", NO_PICTURE),
    Poison("empty.csv", _text(""), "held", "an empty file"),
    Poison("sparse.csv", lambda path: _sparse(path, HEADER.encode()), "held", "42,949,672,960"),
    Poison("sparse.parquet", _sparse, "held", "42,949,672,960"),
    Poison("long-field.csv", _rows("a" * 2**21), "held", "more than 1,048,576 characters"),
    Poison("no-lines.csv", _text("x" * 2**21), "held", "more than 1,048,576 characters"),
    Poison("long-header.csv", _text("x," * 10**5), "held", "must have one column path"),
    Poison("nul-bytes.csv", _text(bytes(5000)), "held", "UTF-16"),
    Poison("latin-1.csv", _text(HEADER.encode() + b"caf\xe9.png,a,b\n"), "held", "not UTF-8"),
    Poison("open-quote.csv", _text(HEADER + '"a.png,a,b\n' * 2), "held", "cannot be read"),
    Poison("picture.csv", _text(solid("red")), "held", "picture.csv"),
    Poison("pickled.parquet", pickled_type, "held", "pickled type"),
    Poison("text.parquet", _text(TEXT), "held", "cannot be read as Parquet"),
    Poison("cut-off.parquet", _cut_off_parquet, "held", "cannot be read as Parquet"),
    Poison("damaged.parquet", _damaged_parquet, "held", "cannot be read as Parquet"),
    Poison(
        "floats.parquet",
        _parquet(path=["a.png"], domain=["a"], label=[1.5]),
        "held",
        "must hold text or whole numbers",
    ),
    Poison("deep", _deep("d", 1100), "held", "nested too deeply"),
    Poison("deep-alone", _deep_alone, "held", "nested too deeply"),
    Poison("deep-and-long", _deep("d" * 200, 40), "held", "nested too deeply"),
    Poison("loops", _loops, "held", OUTSIDE),
    Poison("many-paths", _links_to_each_other, "held", "a folder that is listed already"),
    Poison("linked-picture", _linked_picture("/etc/passwd"), "held", OUTSIDE),
    Poison("linked-device", _linked_picture("/dev/zero"), "held", OUTSIDE),
    Poison("pipe-as-picture", _fifo_as_picture, "held", "not a regular file"),
    Poison("pipe-as-sidecar", _fifo_as_sidecar, "held", "sidecar.csv: not a regular file"),
    Poison("linked-sidecar", _linked_sidecar, "held", OUTSIDE),
    Poison("sidecar", _files(night__red__1=TEXT, sidecar_dot_csv=TEXT), "held", "sidecar.csv"),
    Poison(
        "sparse-picture",
        lambda path: _sparse(_folder(path) / "1.png"),
        "held",
        "file too large (night/red/1.png: 42,949,672,960 bytes or more",
    ),
    Poison("text", _files(night__red__1_dot_png=TEXT), "held", "not a picture in a known format"),
    Poison("zeros", _files(night__red__1_dot_png=b""), "held", "1 empty file"),
    Poison("many-files", _many_files, "held", "500 empty file"),
    Poison(
        "bomb",
        _files(night__red__1_dot_png=png_of(50_000, 50_000, 8, 2)),
        "held",
        "too many pixels",
    ),
    Poison("flat", _files(a_dot_png=TEXT, b_dot_png=TEXT), "held", "flat"),
    Poison(
        "no-domain",
        _files(red__1_dot_png=TEXT, blue__2_dot_png=TEXT),
        "held",
        "no folder names the domain",
    ),
    Poison("nothing", lambda path: path.mkdir(), "held", NO_PICTURE),
    Poison("ready-folder", lambda path: (path / "_READY").mkdir(parents=True), "held", NO_PICTURE),
    Poison(
        "folder.csv", lambda path: _ready(write_files(path, {"a/b/1.png": TEXT})), "held", "not a"
    ),
    Poison(LONG, _files(night__red__2_dot_png=TEXT), "held", NO_PICTURE),
    Poison(NOT_UTF_8, _files(night__red__3_dot_png=TEXT), "held", NO_PICTURE),
    Poison(CONTROLS, _files(night__red__4_dot_png=TEXT), "held", NO_PICTURE),
    Poison("suffix", _files(**{f"night__red__1_dot_{'x' * 240}": TEXT}), "held", NO_PICTURE),
]
