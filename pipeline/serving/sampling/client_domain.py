"""The domain that a client names in a header of its request."""

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from pipeline.inputs.layouts.folder_name_check import check_folder_name
from pipeline.web.request_errors import RequestError
from trainer_module.contract.errors import InputError

#: Name of the header of HTTP requests, and of the metadata of gRPC calls.
DOMAIN_HEADER = "carryover-domain"


def read_client_domain(values: Sequence[bytes]) -> str | None:
    """Return the domain that a request names; None if it names none.

    Args:
        values: Values of all headers of the name `DOMAIN_HEADER`: the domain in UTF-8, in which
            any byte may be percent-encoded, because gRPC sends ASCII only.

    Raises:
        RequestError: It is no name that the folder of a domain can have, or there are several
            headers; status 400.
    """
    if not values:
        return None
    if len(values) > 1:
        raise RequestError(400, f"header {DOMAIN_HEADER}: it is given {len(values)} times")
    try:
        return check_folder_name("domain", unquote_to_bytes(values[0]).decode())
    except UnicodeDecodeError:
        raise RequestError(400, f"header {DOMAIN_HEADER}: it is not UTF-8") from None
    except InputError as error:
        raise RequestError(400, f"header {DOMAIN_HEADER}: {error}") from None
