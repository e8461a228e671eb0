"""The folder of a domain whose name no folder of pictures can have."""

import os

from components.image_example_gen.splits import digest

#: Longest name of a folder or a copy, in bytes, without what makes it unique.
MAX_NAME = 200

#: Bytes that remain of a name that is too long.
SHORTENED = MAX_NAME - 64

#: First characters of folders that are skipped, or that stand for pictures without a label.
_SPECIAL = "._@#~$ "


def substitute_folder(domain: str) -> str:
    """Return the name, with a digest, of the folder of a domain that no folder can be named after.

    It does not depend on which domains there are besides it. A sidecar names the domain of its
    pictures.

    Args:
        domain: Name of the domain.

    Example:
        >>> from pipeline.inputs.layouts.domain_folder import substitute_folder
        >>> substitute_folder("day/1")
        'day_1-e14a336e'
    """
    number = digest(os.fsencode(domain)).hex()[:8]
    name = shorten_name(domain.replace("/", "_").lstrip(_SPECIAL), SHORTENED)
    return f"{name or 'domain'}-{number}"


def shorten_name(name: str, length: int) -> str:
    """Return the whole characters in the first bytes of a name.

    Args:
        name: Name of a folder or a file.
        length: Number of bytes.
    """
    encoded = os.fsencode(name)
    return name if len(encoded) <= length else encoded[:length].decode("utf-8", "ignore")
