"""Open an object store by its URI, and tell its errors in one line.

The clients are those of obstore (Rust's object_store): the same calls for S3, Google Cloud Storage
and Azure, with a write that fails if the object exists. fsspec and Beam have no such write for all
three. Credentials come from the environment, as the stores' own tools read them.
"""

import contextlib
import datetime
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainer_module.contract.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: Schemes of the URIs that name a workspace.
SCHEMES = ("s3", "gs", "az")

#: Variables with the credentials, by scheme.
_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}

#: A store that does not answer ends a command after this time, not after obstore's three minutes.
_RETRY: Any = {"max_retries": 6, "retry_timeout": datetime.timedelta(seconds=40)}


def is_store_uri(text: str) -> bool:
    """Return whether a text is the URI of a place in an object store.

    Args:
        text: What a user has given as a workspace.
    """
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.lower() in SCHEMES


def open_store(uri: str) -> "ObjectStore":
    """Open the part of a store that a URI names. Nothing is read or written.

    Args:
        uri: URI of a workspace, such as s3://bucket/folder.

    Raises:
        InputError: obstore is not installed, or the URI or the settings are not complete.
    """
    scheme, _, name = uri.partition("://")
    if not name.strip("/"):
        raise InputError(f"workspace {uri} names no bucket. Give {scheme}://BUCKET/FOLDER.")
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise InputError(
            f"workspace {uri} needs the package obstore. Install it: "
            'pip install "carryover[object-store]"'
        ) from None
    try:
        return from_url(uri.rstrip("/"), retry_config=_RETRY)
    except (BaseError, ValueError) as error:
        raise InputError(
            f"workspace {uri} cannot be opened: {_reason(error)}. Check the URI, and set "
            f"{_VARIABLES[scheme.lower()]}."
        ) from None


@contextlib.contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Tell the errors of a store as one line with its URI.

    Args:
        uri: URI of the workspace.

    Raises:
        UnavailableError: The store does not answer, refuses, or lacks an object.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        variables = _VARIABLES.get(uri.partition("://")[0].lower(), "its variables")
        raise UnavailableError(
            f"workspace {uri} is unavailable: {_reason(error)}. Check the URI and the credentials "
            f"({variables}); if they are right, try again later."
        ) from error


def _reason(error: BaseException) -> str:
    """Return what is wrong: the code that S3 gives, or the first line of the client's message."""
    text = str(error)
    if code := re.search(r"<Code>(\w+)</Code>", text):
        return f"the store answers {code[1]}"
    return next(iter(text.splitlines()), type(error).__name__).rstrip(".: ")
