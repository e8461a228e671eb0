"""Which split a picture belongs to: a hash decides, so adding pictures never moves old ones."""

import hashlib
from pathlib import PurePosixPath


def split_key(image_id: str, content: bytes, group_by: str) -> bytes:
    """What is hashed: pictures with the same key always share a split.

    Args:
        image_id: path relative to the data folder.
        content: bytes of the file.
        group_by: `content` keeps exact copies together; `stem` keeps files of the same name
            without extension together, across domains and classes.
    """
    if group_by == "stem":
        return PurePosixPath(image_id).stem.encode("utf-8", "surrogateescape")
    return content


def assign_split(key: bytes, eval_share: float, test_share: float) -> str:
    """Hash a key to `train`, `eval` or `test`.

    Args:
        key: see `split_key`.
        eval_share: expected share of pictures in `eval`, 0 to 1.
        test_share: expected share of pictures in `test`, 0 to 1.
    """
    position = int.from_bytes(hashlib.sha256(key).digest()[:8], "big") / 2**64
    if position < test_share:
        return "test"
    if position < test_share + eval_share:
        return "eval"
    return "train"
