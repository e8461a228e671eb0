"""Bytes of awkward picture files: all that must be read right, and what must be refused.

`GOOD` and `BAD` go by file name. Whatever a good file is encoded with, it shows the picture that
was given to be encoded; so a file that is read wrong shows another picture.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageDraw, features
from tiny_pictures import encode, png_of

SIZE = WIDTH, HEIGHT = 72, 56
SHAPES = ("circle", "square", "cross", "triangle")

ORIENTATION = 0x0112
#: How an upright picture is laid down for each EXIF orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
#: First column, first row, column step, row step of each pass of an interlaced PNG.
ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)

ADOBE_MARK = b"\xff\xee\x00\x0eAdobe"
ADOBE_BYTES = 16
YCCK = b"\x02"

Colour = tuple[int, int, int]
Encoder = Callable[[Image.Image], bytes]


@dataclass(frozen=True)
class Kind:
    """A way to write a picture.

    Attributes:
        encode: takes an RGB picture, and returns a file that shows it.
        keeps: what the file keeps of the colours: all ("RGB"), greys ("L"), black and white ("1").
    """

    encode: Encoder
    keeps: str = "RGB"

    def shown(self, image: Image.Image) -> Image.Image:
        """What a viewer shows of an RGB picture that was written so; mode RGB."""
        return _in_mode(image, self.keeps).convert("RGB")


@dataclass(frozen=True)
class BadFile:
    """A file that cannot be used, and the reason up to its colon."""

    content: bytes
    reason: str


def scene(shape: str, ground: Colour, ink: Colour, rng: np.random.Generator) -> Image.Image:
    """One of `SHAPES` at a random place, on a ground that gets lighter to the right and down."""
    right, down = np.linspace(-40, 40, WIDTH), np.linspace(-20, 20, HEIGHT)
    light = right[None, :, None] + down[:, None, None]
    image = Image.fromarray(np.clip(light + ground, 0, 255).astype(np.uint8))
    radius = int(rng.integers(12, 20))
    x, y = (int(rng.integers(radius + 1, side - radius - 1)) for side in SIZE)
    _draw(shape, x, y, radius, ink, ImageDraw.Draw(image))
    return image


def _draw(shape: str, x: int, y: int, radius: int, ink: Colour, pen: ImageDraw.ImageDraw) -> None:
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circle":
        pen.ellipse(box, fill=ink)
    elif shape == "square":
        pen.rectangle(box, fill=ink)
    elif shape == "cross":
        pen.line((box[0], y, box[2], y), fill=ink, width=7)
        pen.line((x, box[1], x, box[3]), fill=ink, width=7)
    else:
        pen.regular_polygon((x, y, radius), 3, fill=ink)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image.convert(mode, dither=Image.Dither.NONE)


def _saved(form: str, mode: str = "RGB", **options: object) -> Encoder:
    return lambda image: encode(_in_mode(image, mode), form, **options)


def _palette(form: str, **options: object) -> Encoder:
    return lambda image: encode(image.quantize(dither=Image.Dither.NONE), form, **options)


def _turned(form: str, orientation: int) -> Encoder:
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    turn = TURNS.get(orientation)

    def turned(image: Image.Image) -> bytes:
        laid = image if turn is None else image.transpose(turn)
        return encode(laid, form, exif=tags, quality=90)

    return turned


def _first_of_two(form: str, **options: object) -> Encoder:
    """The second picture is the negative of the first."""
    return lambda image: encode(
        image, form, save_all=True, append_images=[ImageChops.invert(image)], **options
    )


def _with_profile(form: str) -> Encoder:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return _saved(form, icc_profile=profile, quality=90)


def _transparent(form: str, mode: str = "RGBA", **options: object) -> Encoder:
    """Dark colours that are as transparent as it takes to look the same on white."""

    def transparent(image: Image.Image) -> bytes:
        shown = np.asarray(image if mode == "RGBA" else image.convert("L").convert("RGB"))
        alpha = 255 - shown.min(axis=2, keepdims=True).astype(float)
        colours = 255 - (255.0 - shown) * 255 / np.maximum(alpha, 1)
        layer = np.concatenate([colours.round(), alpha], axis=2).astype(np.uint8)
        return encode(Image.fromarray(layer).convert(mode), form, **options)

    return transparent


def _cut_out(form: str) -> Encoder:
    """A palette whose last colour is a transparent black, which stands for white."""

    def cut_out(image: Image.Image) -> bytes:
        white = Image.fromarray((np.asarray(image).min(axis=2) == 255).astype(np.uint8) * 255)
        layer = image.quantize(255, dither=Image.Dither.NONE)
        colours = layer.getpalette() or []
        layer.putpalette(colours[:765] + [0] * (768 - len(colours[:765])))
        layer.paste(255, mask=white)
        return encode(layer, form, transparency=255)

    return cut_out


def _inks(image: Image.Image) -> Image.Image:
    """CMYK with half of the grey in the black ink."""
    light = np.asarray(image, np.float32)
    black = (255 - light.max(axis=2, keepdims=True)) // 2
    colours = 255 - light * 255 / (255 - black)
    inks = np.concatenate([colours, black], axis=2).round().astype(np.uint8)
    return Image.merge("CMYK", [Image.fromarray(inks[..., ink]) for ink in range(4)])


def _cmyk(form: str, **options: object) -> Encoder:
    return lambda image: encode(_inks(image), form, **options)


def _ycck(image: Image.Image) -> bytes:
    """As Photoshop writes CMYK: the three inks as YCbCr, everything inverted."""
    *inks, black = _inks(image).split()
    luma = Image.merge("RGB", inks).convert("YCbCr")
    stored = Image.merge("CMYK", (*ImageChops.invert(luma).split(), black))
    content = encode(stored, "JPEG", quality=95)
    last = content.index(ADOBE_MARK) + ADOBE_BYTES - 1
    return content[:last] + YCCK + content[last + 1 :]


def _rows(pixels: np.ndarray) -> bytes:
    """Rows of a PNG, each after the filter byte that says: not filtered."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def _png_16_bit(image: Image.Image) -> bytes:
    pixels = np.asarray(image).astype(">u2") * 257
    return png_of(*image.size, 16, 2, _rows(pixels.astype(">u2")))


def _png_interlaced(image: Image.Image) -> bytes:
    pixels = np.asarray(image)
    passes = [pixels[y::down, x::right] for x, y, right, down in ADAM7]
    content = png_of(*image.size, 8, 2, b"".join(map(_rows, passes)))
    header = content[12:28] + b"\x01"  # the last byte says: interlaced
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def _grey_16_bit(form: str, order: str = "<") -> Encoder:
    def grey(image: Image.Image) -> bytes:
        pixels = np.asarray(image.convert("L")).astype(np.uint16) * 257
        return encode(Image.fromarray(pixels.astype(f"{order}u2")), form)

    return grey


def _grey_16_bit_cut_out(image: Image.Image) -> bytes:
    """White is stored as black, and black is transparent."""
    pixels = np.asarray(image.convert("L")).astype(np.uint16) * 257
    layer = np.where(pixels == 65535, 0, np.maximum(pixels, 1)).astype(np.uint16)
    return encode(Image.fromarray(layer), "PNG", transparency=0)


def _bmp_rle(image: Image.Image) -> bytes:
    """8 bit, run lengths: pairs of a length and a colour, lines from the bottom up."""
    layer = image.quantize(dither=Image.Dither.NONE)
    lines = (_runs(row) + b"\0\0" for row in np.asarray(layer)[::-1])
    body = b"".join(lines) + b"\0\x01"
    palette = np.zeros((256, 4), np.uint8)
    colours = np.reshape(layer.getpalette(), (-1, 3))
    palette[: len(colours), :3] = colours[:, ::-1]
    start = 14 + 40 + palette.nbytes
    file = struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, *image.size, 1, 8, 1, len(body), 2835, 2835, 256, 0)
    return file + info + palette.tobytes() + body


def _runs(row: np.ndarray) -> bytes:
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    lengths = np.diff(starts, append=len(row))
    return bytes(np.stack([lengths, row[starts]], axis=1).astype(np.uint8))


def _bmp_32_bit(image: Image.Image) -> bytes:
    """The fourth byte is reserved, and zero: it is no alpha."""
    layer = image.convert("RGBA")
    layer.putalpha(0)
    return encode(layer, "BMP")


def _avif() -> dict[str, Kind]:
    if not features.check("avif"):
        return {}
    return {
        "plain.avif": Kind(_saved("AVIF", quality=90)),
        "transparent.avif": Kind(_transparent("AVIF", quality=100, subsampling="4:4:4")),
    }


#: File name -> what is in it. Every one of them must be used.
GOOD: dict[str, Kind] = {
    "baseline.jpg": Kind(_saved("JPEG", quality=90)),
    "chroma 4-4-4.jpg": Kind(_saved("JPEG", quality=90, subsampling="4:4:4")),
    "chroma 4-2-2.jpeg": Kind(_saved("JPEG", quality=90, subsampling="4:2:2")),
    "chroma 4-2-0.jpg": Kind(_saved("JPEG", quality=90, subsampling="4:2:0")),
    "progressive.jpg": Kind(_saved("JPEG", quality=90, progressive=True)),
    "grey.jpg": Kind(_saved("JPEG", "L", quality=90), "L"),
    "cmyk.jpg": Kind(_cmyk("JPEG", quality=95)),
    "ycck.jpg": Kind(_ycck),
    "rgb, not ycc.jpg": Kind(_saved("JPEG", quality=90, keep_rgb=True)),
    "profile.jpg": Kind(_with_profile("JPEG")),
    "two in one.mpo": Kind(_first_of_two("MPO", quality=90)),
    "more after its end.jpg": Kind(lambda image: encode(image, "JPEG", quality=90) + b"\0 trailer"),
    **{f"turned {number}.jpg": Kind(_turned("JPEG", number)) for number in range(1, 9)},
    "a jpeg.png": Kind(_saved("JPEG", quality=90)),
    "a png.jpg": Kind(_saved("PNG")),
    "plain.png": Kind(_saved("PNG")),
    "palette.png": Kind(_palette("PNG")),
    "palette cut out.png": Kind(_cut_out("PNG")),
    "grey.png": Kind(_saved("PNG", "L"), "L"),
    "grey and alpha.png": Kind(_transparent("PNG", "LA"), "L"),
    "alpha.png": Kind(_transparent("PNG")),
    "grey 16 bit.png": Kind(_grey_16_bit("PNG"), "L"),
    "grey 16 bit cut out.png": Kind(_grey_16_bit_cut_out, "L"),
    "16 bit.png": Kind(_png_16_bit),
    "1 bit.png": Kind(_saved("PNG", "1"), "1"),
    "interlaced.png": Kind(_png_interlaced),
    "profile.png": Kind(_with_profile("PNG")),
    "turned.png": Kind(_turned("PNG", 6)),
    "animated.png": Kind(_first_of_two("PNG")),
    "single.gif": Kind(_palette("GIF")),
    "cut out.gif": Kind(_cut_out("GIF")),
    "animated.gif": Kind(_first_of_two("GIF")),
    "24 bit.bmp": Kind(_saved("BMP")),
    "8 bit.bmp": Kind(_palette("BMP")),
    "grey.bmp": Kind(_saved("BMP", "L"), "L"),
    "1 bit.bmp": Kind(_saved("BMP", "1"), "1"),
    "run lengths.bmp": Kind(_bmp_rle),
    "32 bit.bmp": Kind(_bmp_32_bit),
    "lossy.webp": Kind(_saved("WEBP", quality=90)),
    "lossless.webp": Kind(_saved("WEBP", lossless=True)),
    "alpha.webp": Kind(_transparent("WEBP", lossless=True)),
    "animated.webp": Kind(_first_of_two("WEBP", lossless=True)),
    "turned.webp": Kind(_turned("WEBP", 6)),
    "plain.tif": Kind(_saved("TIFF")),
    "lzw.tiff": Kind(_saved("TIFF", compression="tiff_lzw")),
    "jpeg inside.tif": Kind(_saved("TIFF", compression="jpeg", quality=90)),
    "fax.tif": Kind(_saved("TIFF", "1", compression="group4"), "1"),
    "grey 16 bit.tif": Kind(_grey_16_bit("TIFF"), "L"),
    "big-endian 16 bit.tif": Kind(_grey_16_bit("TIFF", ">"), "L"),
    "floats.tif": Kind(_saved("TIFF", "F"), "L"),
    "cmyk.tif": Kind(_cmyk("TIFF")),
    "alpha.tif": Kind(_transparent("TIFF")),
    "pages.tif": Kind(_first_of_two("TIFF")),
    "turned.tif": Kind(_turned("TIFF", 6)),
    "plain.ppm": Kind(_saved("PPM")),
    "grey.pgm": Kind(_saved("PPM", "L"), "L"),
    "grey 16 bit.pgm": Kind(_grey_16_bit("PPM"), "L"),
    "black and white.pbm": Kind(_saved("PPM", "1"), "1"),
    **_avif(),
}


def _archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jpg", _plain("JPEG"))
    return file.getvalue()


def _plain(form: str, **options: object) -> bytes:
    image = scene("cross", (235, 230, 222), (20, 60, 160), np.random.default_rng(0))
    return encode(image, form, **options)


def _cut_off(content: bytes, share: float) -> bytes:
    return content[: int(share * len(content))]


def _wrong_byte(content: bytes, chunk: bytes) -> bytes:
    """One byte is changed after a chunk's name, so that its checksum is wrong."""
    place = content.index(chunk) + 20
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def _container(major: bytes, *compatible: bytes) -> bytes:
    """The first box of a file of ISO base media, as phones write it, and the start of the next."""
    brands = b"".join(compatible)
    start = struct.pack(">I4s4sI", 16 + len(brands), b"ftyp", major, 0) + brands
    return start + struct.pack(">I4sI", 512, b"meta", 0) + bytes(500)


NOT_KNOWN = "not a picture in a known format"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'
SVG_AFTER_A_COMMENT = b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn by hand -->\n' + SVG
ERROR_PAGE = b"<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n"
ERROR_PAGE_WITH_LOGO = ERROR_PAGE.replace(b"<h1>", SVG + b"<h1>")

#: File name -> what is in it, and the reason why it must not be used.
BAD: dict[str, BadFile] = {
    "empty.jpg": BadFile(b"", "empty file"),
    "cut off.jpg": BadFile(_cut_off(_plain("JPEG"), 0.3), "damaged"),
    "cut off progressive.jpg": BadFile(_cut_off(_plain("JPEG", progressive=True), 0.8), "damaged"),
    "cut off.png": BadFile(_cut_off(_plain("PNG"), 0.6), "damaged"),
    "cut off.gif": BadFile(_cut_off(_plain("GIF"), 0.8), "damaged"),
    "cut off.webp": BadFile(_cut_off(_plain("WEBP"), 0.6), "damaged"),
    "cut off.tif": BadFile(_cut_off(_plain("TIFF"), 0.6), "damaged"),
    "wrong checksum.png": BadFile(_wrong_byte(_plain("PNG"), b"IDAT"), "damaged"),
    "text.jpg": BadFile(b"The picture is on the other disk.\n", NOT_KNOWN),
    "error page.png": BadFile(ERROR_PAGE, NOT_KNOWN),
    "error page with a logo.png": BadFile(ERROR_PAGE_WITH_LOGO, NOT_KNOWN),
    "archive.jpg": BadFile(_archive(), NOT_KNOWN),
    "document.jpg": BadFile(_plain("PDF"), NOT_KNOWN),
    "postscript.jpg": BadFile(_plain("EPS"), NOT_KNOWN),
    "drawing.svg": BadFile(SVG, "SVG drawing"),
    "drawing after a comment.svg": BadFile(SVG_AFTER_A_COMMENT, "SVG drawing"),
    "phone.heic": BadFile(_container(b"heic", b"mif1", b"heic"), "HEIC picture"),
    "phone heic.jpg": BadFile(_container(b"mif1", b"mif1", b"heic"), "HEIC picture"),
    "bomb.png": BadFile(png_of(50_000, 50_000, 8, 2), "too many pixels"),
    "line.png": BadFile(encode(Image.new("RGB", (1, 4000), "red")), "too narrow"),
    "line.jpg": BadFile(encode(Image.new("RGB", (4000, 1), "red"), "JPEG"), "too narrow"),
}
