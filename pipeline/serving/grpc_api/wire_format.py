"""Counts the fields of a serialized message, before memory is taken for its objects."""

from typing import Any

from pipeline.web.request_errors import RequestError

#: Most fields of a request, each of which costs up to 100 bytes. 128 pictures are fewer than 200.
MAX_FIELDS = 10_000

#: Types of fields in the format of Protocol Buffers. Groups do not occur in these messages.
VARINT, FIXED_64, LENGTH_DELIMITED, FIXED_32 = 0, 1, 2, 5

#: Most bytes of a number with a variable length.
MAX_VARINT = 10


def check_num_fields(message: bytes, descriptor: Any) -> None:
    """Refuse a message with more fields than any request needs, nested ones included.

    Args:
        message: Serialized message.
        descriptor: Descriptor of its type.

    Raises:
        RequestError: It has too many fields, or is no message; status 400.
    """
    num_fields, parts = 0, [(0, len(message), descriptor)]
    while parts:
        start, end, kind = parts.pop()
        while start < end:
            num_fields += 1
            if num_fields > MAX_FIELDS:
                raise RequestError(
                    400,
                    f"the request has more than {MAX_FIELDS:,} fields: pictures are sent as files "
                    "in string_val, not as numbers",
                )
            key, start = _read_varint(message, start)
            size, start = _read_size(message, start, key & 7)
            field = kind.fields_by_number.get(key >> 3)
            if key & 7 == LENGTH_DELIMITED and field is not None and field.message_type:
                parts.append((start, start + size, field.message_type))
            start += size
        if start > end:
            raise malformed_error()


def malformed_error() -> RequestError:
    """Return the error for bytes that are no message of the expected type."""
    return RequestError(400, "the request is not a serialized message of the method's type")


def _read_size(message: bytes, start: int, kind: int) -> tuple[int, int]:
    """Return the bytes that a field's value takes, and where they start."""
    if kind == VARINT:
        return 0, _read_varint(message, start)[1]
    if kind == LENGTH_DELIMITED:
        return _read_varint(message, start)
    if kind in (FIXED_32, FIXED_64):
        return (4 if kind == FIXED_32 else 8), start
    raise malformed_error()


def _read_varint(message: bytes, start: int) -> tuple[int, int]:
    """Return a number, and where the next byte is."""
    number = 0
    for position, byte in enumerate(message[start : start + MAX_VARINT]):
        number |= (byte & 127) << (7 * position)
        if byte < 128:
            return number, start + position + 1
    raise malformed_error()
