"""A file system of Beam that serves memory://, for remote files without a network."""

import io

from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem

#: Time of the last change of every file, in ns.
MODIFIED = 1_700_000_000_123_456_000


class StoreError(Exception):
    """An error as clients of stores raise it: with an HTTP status in `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"status {code}")
        self.code = code


class CountingFile(io.BytesIO):
    """A file that counts the bytes that were read."""

    taken = 0

    def read(self, *args):
        content = super().read(*args)
        self.taken += len(content)
        return content

    def read1(self, *args):
        content = super().read1(*args)
        self.taken += len(content)
        return content


class MemoryFileSystem(FileSystem):
    """Files by URI; Beam finds the class by its scheme."""

    files: dict[str, bytes] = {}  # noqa: RUF012 (Beam makes an instance per call)
    failures: dict[str, Exception] = {}  # noqa: RUF012
    opened: list[CountingFile] = []  # noqa: RUF012
    on_look_up = staticmethod(lambda: None)

    @classmethod
    def scheme(cls):
        return "memory"

    def open(self, path, mime_type="", compression_type=""):
        self.opened.append(CountingFile(self.files[path]))
        return self.opened[-1]

    def metadata(self, path):
        self.on_look_up()
        error = self.failures.get(path) or (path not in self.files and StoreError(404))
        if error:
            raise BeamIOError("Metadata operation failed", {path: error})
        return FileMetadata(path, len(self.files[path]), MODIFIED / 1e9)

    def _unused(self, *args, **kwargs):
        raise NotImplementedError

    join = split = mkdirs = has_dirs = _list = create = copy = rename = _unused
    exists = size = last_updated = checksum = delete = _unused
