"""Size of the resized pictures of a run: exact where they are raw, otherwise from a sample."""

import io
import warnings

from PIL import Image

from components.image_example_gen.picture_reader import FORMATS
from pipeline.running.needs.listed_pictures import ListedPictures
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate
from trainer_module.contract.regular_file import open_regular
from trainer_module.data.picture_storage import JPEG_QUALITY, Storage

#: Bytes per pixel of a JPEG where no picture of the sample can be read.
USUAL_JPEG = 0.35


def stored_size(
    pictures: ListedPictures, storage: Storage, image_size: int, data_root: str, max_bytes: int
) -> float:
    """Return the mean size of a stored picture in bytes.

    Args:
        pictures: Pictures of the run, of which the sample is read.
        storage: How pictures are stored.
        image_size: Side of the stored pictures, in pixels.
        data_root: Folder or URI that the paths of the rows are relative to.
        max_bytes: Largest part of a file that is read.
    """
    if storage == "raw":
        return 3 * image_size**2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's; the ingestion tells what is wrong with a file
        sizes = [_jpeg_size(row, image_size, data_root, max_bytes) for row in pictures.sample]
    known = [size for size in sizes if size is not None]
    return sum(known) / len(known) if known else USUAL_JPEG * image_size**2


def _jpeg_size(row: ListingRow, image_size: int, data_root: str, max_bytes: int) -> int | None:
    """Return the size of a picture as Transform will store it; None for an unusable file."""
    # Pillow, because TensorFlow cannot be configured any more once it has decoded a picture.
    stored = io.BytesIO()
    try:
        content = _read(locate(data_root, row["path"]), max_bytes)
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            picture.draft("RGB", (image_size, image_size))
            resized = picture.convert("RGB").resize(
                (image_size, image_size), Image.Resampling.BILINEAR
            )
        resized.save(stored, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    except Exception:
        return None
    return stored.tell()


def _read(path: str, max_bytes: int) -> bytes:
    """Return the first bytes of a local or remote file."""
    if not is_uri(path):
        with open_regular(path) as file:
            return file.read(max_bytes)
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as remote:
        content: bytes = remote.read(max_bytes)
    return content
