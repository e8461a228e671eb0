"""Program that parses bodies of predict requests, one after the other, from stdin to stdout.

Parsing holds Python's global lock for up to a second per 32 MiB, in which the server could do
nothing else.
"""

import struct
from typing import BinaryIO

import orjson

from pipeline.serving.processes.job_program import open_streams
from pipeline.serving.protocol.predict_request import parse_predict_request
from pipeline.web.request_errors import RequestError

#: Message to the program: bytes of the JSON with the other arguments, and of the body. Both follow.
JOB = struct.Struct("!QQ")

#: Message from the program: bytes of the JSON that follows. It has the error, or the fields of the
#: request with the sizes of the instances, which follow then.
REPLY = struct.Struct("!Q")


def main() -> None:
    """Do jobs until the input ends."""
    jobs, replies = open_streams()
    while header := jobs.read(JOB.size):
        num_json, num_body = JOB.unpack(header)
        arguments = orjson.loads(jobs.read(num_json))
        reply(jobs.read(num_body), arguments, replies)
        replies.flush()


def reply(body: bytes, arguments: dict[str, object], replies: BinaryIO) -> None:
    """Parse a body, and write the reply.

    Args:
        body: Body of a request.
        arguments: Other arguments of `parse_predict_request`.
        replies: Stream to write to.
    """
    try:
        request = parse_predict_request(body, **arguments)  # type: ignore[arg-type]  # from JSON
    except RequestError as error:
        _send_json({"status": error.status, "message": error.message}, replies)
        return
    fields = {
        "signature": request.signature,
        "input_name": request.input_name,
        "row_format": request.row_format,
        "sizes": [len(instance) for instance in request.instances],
    }
    _send_json(fields, replies)
    for instance in request.instances:
        replies.write(instance)


def _send_json(value: dict[str, object], replies: BinaryIO) -> None:
    content = orjson.dumps(value)
    replies.write(REPLY.pack(len(content)) + content)


if __name__ == "__main__":
    main()
