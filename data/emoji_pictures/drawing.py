"""Drawings of emoji as pictures of one size, by domain."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from emoji_pictures.build_error import BuildError
from emoji_pictures.emoji_selection import Emoji
from emoji_pictures.npm_package import GOOGLE, OPENMOJI, TWITTER, Files, Package

PICTURE_SIZE = 72  # pixels, the grid that OpenMoji is drawn on

Drawings = dict[str, Image.Image]  # stem -> picture


@dataclass(frozen=True)
class Domain:
    """A set of drawings.

    Attributes:
        folder: Folder of its pictures, relative to `data/`.
        package: npm package that holds the drawings.
        members: Folder of the drawings inside that package.
    """

    folder: str
    package: Package
    members: str


DOMAINS = {
    "noto": Domain("pictures/noto", GOOGLE, "img/google/64/"),
    "twemoji": Domain("pictures/twemoji", TWITTER, "img/twitter/64/"),
    "openmoji": Domain("pictures/openmoji", OPENMOJI, "color/svg/"),
    "line-art": Domain("incoming/2026-line-art/line-art", OPENMOJI, "black/svg/"),
}


def draw(emoji: Emoji, domain: Domain, members: Files) -> Image.Image:
    """Return the picture of an emoji in a domain: RGB, 72 px.

    Args:
        emoji: Emoji to draw.
        domain: Domain that draws it.
        members: Files of the domain's package.

    Raises:
        BuildError: The package has no drawing of it.
    """
    for name in emoji.file_names:
        drawing = members.get(domain.members + name)
        if drawing is not None:
            return flatten(decode(drawing, is_svg=name.endswith(".svg")))
    raise BuildError(
        f"{domain.package.tarball} has no drawing of {emoji.stem} in {domain.members}. "
        f"Looked for: {', '.join(emoji.file_names)}"
    )


def flatten(picture: Image.Image) -> Image.Image:
    """Centre a picture on a white square of 72 px, without resampling it.

    Args:
        picture: Picture of any mode, at most 72 px high and wide.

    Returns:
        The same picture, RGB.

    Raises:
        BuildError: The picture is too large.
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
    """Return resvg's function from SVG to PNG. Only building needs it, the tests do not.

    Raises:
        BuildError: resvg-py is not installed.
    """
    try:
        # It is in data/requirements.txt only, so that mypy does not find it.
        from resvg_py import svg_to_bytes  # type: ignore[import-not-found]
    except ImportError as error:
        raise BuildError(
            "OpenMoji's drawings are SVG and need resvg-py: "
            "pip install --require-hashes -r data/requirements.txt"
        ) from error
    return svg_to_bytes


def decode(drawing: bytes, is_svg: bool) -> Image.Image:
    """Return the picture in a PNG, or the one in an SVG, rendered at 72 px."""
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
    """Return a picture as PNG. Strategy 1 (Z_FILTERED) gave the smallest files."""
    target = io.BytesIO()
    picture.save(target, "PNG", compress_level=9, compress_type=1)
    return target.getvalue()


def drop_repeated(emoji: list[Emoji], drawn: dict[str, Drawings]) -> list[Emoji]:
    """Drop every emoji that some domain draws, pixel for pixel, like an earlier one."""
    seen: set[tuple[str, bytes]] = set()
    kept = []
    for one in emoji:
        pixels = {(domain, drawings[one.stem].tobytes()) for domain, drawings in drawn.items()}
        if seen.isdisjoint(pixels):
            kept.append(one)
            seen |= pixels
    return kept
