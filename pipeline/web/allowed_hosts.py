"""Names in the `Host` header that the server responds to."""

import ipaddress
import re
from collections.abc import Iterable, Sequence

from pipeline.web.request_errors import RequestError
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name

#: Characters of a host's name that an error message repeats.
MAX_QUOTED = 80

_HOST = re.compile(r"(?:\[(?P<address>[^\[\]]*)\]|(?P<name>[^\[\]:]*))(?::\d*)?")


class AllowedHosts:
    """Names of this server, against which the `Host` header of every request is checked.

    A page of another site can have its own name resolved to this machine (DNS rebinding), and then
    reads what the server responds. The browser still sends the site's name as `Host`. Addresses
    are always allowed, because such a page cannot use one, and so are `localhost` and names below
    it.
    """

    def __init__(self, names: Sequence[str], is_checked: bool = True) -> None:
        """Create the check.

        Args:
            names: Further names of the server, without a port.
            is_checked: Whether other names are refused.

        Raises:
            InputError: A name is not one.
        """
        self._names = {_normalize(name) for name in names}
        self._is_checked = is_checked
        for name in names:
            if not name or set(name) & set("/:@*? ") or not name.isascii():
                raise InputError(
                    f"--allowed-host {printable_name(name)} is not the name of a host. Give the "
                    "name alone, such as models.example.com."
                )

    def find_error(self, headers: Iterable[tuple[bytes, bytes]]) -> RequestError | None:
        """Return why a request is refused, None if it is not.

        Args:
            headers: Headers of the request, names in lower case.
        """
        if not self._is_checked:
            return None
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if not hosts:  # HTTP/1.0; no browser sends it
            return None
        if len(hosts) > 1:
            return RequestError(400, "the request has more than one Host header")
        name = _without_port(hosts[0])
        if self._is_allowed(name):
            return None
        quoted = printable_name(name[:MAX_QUOTED])
        return RequestError(
            421,
            f"the request is for the host '{quoted}', which is not a name of this server. If it "
            f"should be, start the server with --allowed-host {quoted}",
        )

    def _is_allowed(self, name: str) -> bool:
        normalized = _normalize(name)
        if normalized in self._names or normalized == "localhost":
            return True
        return normalized.endswith(".localhost") or _is_address(normalized)


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach an address.

    Args:
        address: Address in numbers, IPv4 or IPv6.
    """
    return ipaddress.ip_address(address).is_loopback


def _without_port(host: str) -> str:
    """Return the name or address of a `Host` header: `name:port`, `[IPv6]:port` or without port.

    Anything else is returned whole, and is no name.
    """
    match = _HOST.fullmatch(host)
    return (match["address"] or match["name"]) if match else host


def _normalize(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
