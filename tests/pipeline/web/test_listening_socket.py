import socket

import pytest

from pipeline.web.listening_socket import bind_socket
from trainer_module.contract.errors import InputError


def test_a_port_that_is_taken_is_named_with_the_remedy():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            InputError, match=rf"cannot listen on 127\.0\.0\.1, port {port}: .* Go\."
        ):
            bind_socket("127.0.0.1", port, "Go.")


def test_a_free_port_is_chosen():
    with bind_socket("127.0.0.1", 0, "") as listener:
        assert listener.getsockname()[1] > 0
