"""The socket that a server listens on."""

import socket

from trainer_module.contract.errors import InputError


def bind_socket(host: str, port: int, remedy: str) -> socket.socket:
    """Bind the socket; connections are not accepted yet.

    Args:
        host: Address to listen on, IPv4, IPv6 or a name.
        port: Port to listen on; 0 chooses a free one.
        remedy: Sentence that tells the user what to do if the address is unavailable.

    Raises:
        InputError: The address is unavailable.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot listen on {host}, port {port}: {reason}. {remedy}") from None
    return listener
