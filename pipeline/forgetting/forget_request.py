"""What a user asks to forget."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

#: What a request names: the path of a picture, a group of pictures, or a batch.
RequestKind: TypeAlias = Literal["path", "group", "batch"]


@dataclass(frozen=True)
class ForgetRequest:
    """A request to forget pictures.

    Attributes:
        kind: What it names.
        value: Path of the picture, name of the group, or name of the batch.
    """

    kind: RequestKind
    value: str

    @property
    def file(self) -> Path | None:
        """The picture itself, if the request names a file that is there."""
        # Unlike Path.is_file, this does not raise for a name that is too long.
        is_file = self.kind == "path" and os.path.isfile(self.value)  # noqa: PTH113
        return Path(self.value) if is_file else None

    def as_receipt(self) -> dict[str, Any]:
        """Return the request as receipts keep it: without the name, which may be one of a person.

        Whoever knows the name can compare its digest.
        """
        return {"kind": self.kind, "sha256": self.digest}

    @property
    def digest(self) -> str:
        """SHA-256 of the name, in hex."""
        return hashlib.sha256(self.value.encode("utf-8", "surrogateescape")).hexdigest()

    def __str__(self) -> str:
        """Return the option that names it, for messages."""
        return f"--{self.kind} {self.value}"
