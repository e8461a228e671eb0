"""Malformed messages get errors that blame the client, and the server lives on."""

import random
from collections import Counter

import pytest
from grpc_fuzz import GrpcFuzzer
from grpc_in_thread import run_grpc
from tiny_pictures import encode, gradient, solid

pytestmark = pytest.mark.component

PICTURES = [solid("red"), encode(gradient()), solid("blue", form="JPEG")]

#: Codes that blame the server; `bench_serve_grpc.py` sends 5,000 messages to a SavedModel.
WRONG = {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED"}


def test_malformed_messages_get_errors_that_blame_the_client():
    fuzzer = GrpcFuzzer("shapes", PICTURES, random.Random(7))  # noqa: S311 - a fixed seed
    with run_grpc() as running:
        codes = Counter(running.client.send(message)[0] for message in fuzzer.messages(400))
        assert running.client.predict([PICTURES[0]]).model_spec.version.value == 2
    assert not codes.keys() & WRONG, codes
    assert codes.keys() >= {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}
