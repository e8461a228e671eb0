"""Builds the bundled pictures from three npm packages, byte for byte.

Run it as `python data/build_pictures.py` to write the pictures, or with `--check` to compare them
with what is committed. It needs the packages of `data/requirements.txt`; `data/README.md` says
where the pictures come from and under which licences.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from emoji_pictures.build_error import BuildError
from emoji_pictures.drawing import DOMAINS, draw, drop_repeated, encode
from emoji_pictures.emoji_selection import select_emoji
from emoji_pictures.lookalike_groups import sidecar_files
from emoji_pictures.npm_package import GOOGLE, OPENMOJI, TWITTER, Files, fetch, read_members
from emoji_pictures.picture_files import check, write
from emoji_pictures.progress import say

DATA = Path(__file__).resolve().parent

EMOJI_LIST = "emoji.json"  # the same file in both emoji-datasource packages


def build(packages: Path) -> Files:
    """Build all pictures.

    Args:
        packages: Folder of the npm tarballs; missing ones are downloaded into it.

    Returns:
        The PNG files, and the sidecars with their groups, by their path relative to `data/`.

    Raises:
        BuildError: A package or a drawing is unavailable.
    """
    tarballs = {package: fetch(package, packages) for package in (GOOGLE, TWITTER, OPENMOJI)}
    records = json.loads(read_members(tarballs[GOOGLE], [EMOJI_LIST])[EMOJI_LIST])
    emoji = select_emoji(records)
    drawn = {}
    for name, domain in DOMAINS.items():
        say(f"drawing {len(emoji)} emoji of {name}")
        members = read_members(tarballs[domain.package], [domain.members])
        drawn[name] = {one.stem: draw(one, domain, members) for one in emoji}
    kept = drop_repeated(emoji, drawn)
    say(f"encoding {len(kept)} emoji; {len(emoji) - len(kept)} look exactly like another one")
    pictures = {
        f"{domain.folder}/{one.label}/{one.stem}.png": encode(drawn[name][one.stem])
        for name, domain in DOMAINS.items()
        for one in kept
    }
    return pictures | sidecar_files(pictures)


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
    """Run the command; return its exit code."""
    arguments = _arguments(argv)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = arguments.packages or Path(temporary)
            if not folder.is_dir():
                raise BuildError(f"--packages must be a folder. Received: {folder}")
            built = build(folder)
    except BuildError as error:
        say(f"build_pictures: {error}")
        return 2
    if arguments.check:
        return check(built, DATA)
    write(built, DATA)
    say(f"wrote {len(built)} files, {sum(map(len, built.values())):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
