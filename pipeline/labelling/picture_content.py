"""Read a picture for the page, as the model would get it."""

from pathlib import Path

from components.image_example_gen.picture_reader import UnusablePictureError, servable_picture
from pipeline.config.run_config import RunConfig
from trainer_module.contract.regular_file import UnusableFileError, open_regular

_PNG_SIGNATURE = b"\x89PNG"


def read_content(path: Path) -> bytes:
    """Read the file of a picture.

    Args:
        path: Path of the file. A pipe does not block.

    Raises:
        UnusablePictureError: The file is unreadable, or too large.
    """
    max_bytes = RunConfig.model_fields["max_file_bytes"].default
    try:
        with open_regular(str(path)) as file:
            content = file.read(max_bytes + 1)
    except UnusableFileError as reason:
        raise UnusablePictureError(str(reason)) from None
    except OSError as error:
        raise UnusablePictureError(f"cannot be opened: {error.strerror}") from None
    if len(content) > max_bytes:
        raise UnusablePictureError(f"too large: more than {max_bytes:,} bytes")
    return content


def displayable_picture(path: Path) -> tuple[bytes, str]:
    """Return a picture that every browser shows, and its media type.

    It is the file itself, or a PNG for formats and colours that browsers show in another way than
    the model gets them, such as TIFF and 16 bits.

    Args:
        path: Path of the file.

    Raises:
        UnusablePictureError: The file is unreadable, or no usable picture.
    """
    content, _ = servable_picture(read_content(path))
    return content, "image/png" if content.startswith(_PNG_SIGNATURE) else "image/jpeg"
