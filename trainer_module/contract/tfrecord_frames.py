"""TFRecord files, read so that damage costs the damaged records only.

The format is in TensorFlow's documentation of TFRecord: length, its checksum, data, its checksum.
TensorFlow's own readers stop for good at the first record that is damaged.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")

#: Bytes before the content of a record, and of all around it.
HEADER_SIZE = _LENGTH.size + _CHECKSUM.size
FRAME_SIZE = HEADER_SIZE + _CHECKSUM.size

#: What a checksum is rotated by and increased by: data may hold checksums of its own.
_ROTATION, _DELTA = 15, 0xA282EAD8


class DamagedRecordError(Exception):
    """A record whose checksum is wrong, or the end of a file that holds no whole record."""


def frame_record(data: bytes) -> list[bytes]:
    """Return a record as the parts that a TFRecord file holds for it: header, data, checksum.

    Args:
        data: Content of the record.
    """
    length = _LENGTH.pack(len(data))
    return [length + _checksum(length), data, _checksum(data)]


def frame_size(data: bytes) -> int:
    """Return the bytes that a record takes in a file.

    Args:
        data: Content of the record.
    """
    return len(data) + FRAME_SIZE


def content_size(header: bytes) -> int:
    """Return the bytes of the content of a record, from its header. No checksum is compared.

    Args:
        header: The first `HEADER_SIZE` bytes of the record.
    """
    [size] = _LENGTH.unpack_from(header)
    return int(size)


def read_records(file: BinaryIO) -> Iterator[bytes | DamagedRecordError]:
    """Yield the records of a TFRecord file in their order, and an error in place of damaged ones.

    Args:
        file: File to read from its position, where a record starts. What is appended to it later
            is not read.
    """
    left = os.fstat(file.fileno()).st_size - file.tell()
    while left:
        header = file.read(min(left, HEADER_SIZE))
        if len(header) < HEADER_SIZE:
            yield DamagedRecordError("its end is cut off")
            return
        left -= HEADER_SIZE
        length_bytes, checksum = header[: _LENGTH.size], header[_LENGTH.size :]
        if _checksum(length_bytes) != checksum:
            yield DamagedRecordError("a record and all after it are damaged")
            return
        length = content_size(header)
        size = length + _CHECKSUM.size
        content = file.read(size) if size <= left else b""
        if len(content) < size:
            yield DamagedRecordError("its end is cut off")
            return
        left -= size
        data = content[:length]
        is_intact = _checksum(data) == content[length:]
        yield data if is_intact else DamagedRecordError("a record is damaged")


def _checksum(data: bytes) -> bytes:
    """Return the masked CRC-32C of data, as the format has it."""
    value = google_crc32c.value(data)
    rotated = value >> _ROTATION | value << (32 - _ROTATION)
    return _CHECKSUM.pack((rotated + _DELTA) & 0xFFFFFFFF)
