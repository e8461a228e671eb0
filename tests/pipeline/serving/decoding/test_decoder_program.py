"""Jobs of the program that prepares pictures."""

import subprocess
import sys

import pytest
from costly_pictures import large
from tiny_pictures import png_of, solid

from pipeline.serving.decoding.decoder_program import Reply, Status, memory_for, prepare
from trainer_module.contract.child_process import isolated_python


def test_a_picture_is_prepared_or_kept():
    assert prepare(solid("red"), 12, rewrite=False) == Reply(Status.AS_IT_IS, 12)
    reply = prepare(solid("red", form="GIF"), 12, rewrite=False)
    assert (reply.status, reply.num_pixels, reply.content[:4]) == (Status.PREPARED, 12, b"\x89PNG")
    assert prepare(solid("red"), 12, rewrite=True).status is Status.PREPARED


def test_a_reason_is_given_for_an_unusable_picture():
    reply = prepare(b"hello", 12, rewrite=False)
    assert reply == Reply(Status.UNUSABLE, 0, b"not a picture in a known format")


@pytest.mark.parametrize(
    "content", [png_of(4, 4, 8, 0), solid("red", form="WEBP"), large("GIF", 99)]
)
def test_a_picture_with_more_pixels_is_too_large(content):
    assert prepare(content, 11, rewrite=False).status is Status.TOO_LARGE


def test_the_memory_grows_with_pixels_and_bytes():
    assert memory_for(10**6, 0) - memory_for(0, 0) == 25 * 10**6
    assert memory_for(0, 10**6) - memory_for(0, 0) == 4 * 10**6


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_the_memory_of_the_process_is_limited():
    program = """
from pipeline.serving.decoding.decoder_program import _limit_memory
_limit_memory(60 * 2**20)
held = bytearray(40 * 2**20)
try:
    bytearray(40 * 2**20)
except MemoryError:
    print("refused")
_limit_memory(60 * 2**20)
bytearray(40 * 2**20)
print("accepted")
"""
    done = subprocess.run(
        isolated_python(program), capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["refused", "accepted"]
