"""A process that decodes pictures, and what happens when it ends."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from costly_pictures import large
from tiny_pictures import solid
from tiny_tiff import tiff_of

from components.image_example_gen.picture_reader import UnusablePictureError, servable_picture
from pipeline.serving.decoding.decoder_process import DecoderProcess
from pipeline.serving.decoding.decoder_program import Status
from pipeline.web.request_errors import RequestError

GIF = solid("red", form="GIF")
#: A second of decoding.
COSTLY = large("GIF", 4_000)


@pytest.fixture(name="decoder", scope="module")
def _decoder() -> Iterator[DecoderProcess]:
    decoder = DecoderProcess()
    yield decoder
    decoder.stop()


def pid(decoder: DecoderProcess) -> int:
    assert decoder._process
    return decoder._process.pid


def test_one_process_prepares_many_pictures_as_this_process_does(decoder):
    assert decoder.prepare(GIF, 100, False).content == servable_picture(GIF)[0]
    first = pid(decoder)
    assert decoder.prepare(solid("red"), 100, False).status is Status.AS_IT_IS
    assert decoder.prepare(b"hello", 100, False).status is Status.UNUSABLE
    assert decoder.prepare(GIF, 100, False).status is Status.PREPARED
    assert pid(decoder) == first


def test_what_libtiff_prints_about_a_damaged_picture_is_not_shown(capfd):
    decoder, content = (
        DecoderProcess(),
        bytearray(tiff_of(np.zeros((8, 8), np.uint8), deflate=True)),
    )
    content[10:14] = b"\xff" * 4  # in the compressed pixels
    try:
        reply = decoder.prepare(bytes(content), 100, False)
    finally:
        decoder.stop()
    assert (reply.status, reply.content) == (Status.UNUSABLE, b"damaged: decoder error -2")
    assert capfd.readouterr() == ("", "")


def test_signals_for_the_server_do_not_end_it_during_a_picture(decoder):
    decoder.prepare(GIF, 100, False)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid(decoder), number)
    first = pid(decoder)
    assert decoder.prepare(GIF, 100, False).status is Status.PREPARED
    assert pid(decoder) == first


def test_a_frame_that_is_larger_than_the_canvas_counts(decoder):
    frame = large("GIF", 1_000)
    frame = frame[:6] + bytes([1, 0, 1, 0]) + frame[10:]  # a canvas of one pixel
    assert decoder.prepare(frame, 1_000_000, False).num_pixels == 1_000_000
    assert decoder.prepare(frame, 999_999, False).status is Status.TOO_LARGE


def test_a_process_that_crashes_makes_one_picture_unusable(decoder):
    decoder.prepare(GIF, 100, False)
    os.kill(pid(decoder), signal.SIGKILL)
    assert decoder._process
    decoder._process.wait()
    assert decoder.prepare(GIF, 100, False).status is Status.PREPARED


@pytest.mark.parametrize(
    ("cpu_seconds", "seconds", "error", "message"),
    [
        (0.05, 60.0, UnusablePictureError, r"too costly: it takes more than 0\.05 seconds"),
        (60.0, 0.05, RequestError, "the machine is too busy to decode the picture: try again"),
    ],
)
def test_a_picture_that_takes_too_long_ends_the_process_and_the_next_starts_it(
    cpu_seconds, seconds, error, message
):
    decoder = DecoderProcess(cpu_seconds, seconds)
    try:
        with pytest.raises(error, match=message):
            decoder.prepare(COSTLY, 16_000_000, False)
        assert decoder._process
        assert decoder._process.poll() is not None
    finally:
        decoder.stop()
