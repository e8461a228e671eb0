"""Any weights archive is tensors or an error, and nothing in it is ever executed."""

import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mutated_bytes import MutationFuzzer

from trainer_module.backbones.torch_archive import TorchArchiveError, read_torch_archive

VALUES = np.arange(6, dtype="<f4")
HEADER = b"".join(
    pickle.dumps(one, protocol=2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
)
STORAGES = struct.pack("<q", VALUES.size) + VALUES.tobytes()

#: State dict with two tensors, with the opcodes and the memo that PyTorch writes.
STATE = (
    b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x06\x00\x00\x00weightq\x02"
    b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04"
    b"ctorch\nFloatStorage\nq\x05X\x01\x00\x00\x007q\x06X\x03\x00\x00\x00cpuq\x07K\x06Ntq\x08Q"
    b"K\x00K\x02K\x03\x86q\x09K\x03K\x01\x86q\x0a\x89h\x00)Rq\x0btq\x0cRr\x0d\x00\x00\x00"
    b"X\x04\x00\x00\x00biasq\x0eh\x03((h\x04h\x05h\x06h\x07K\x06Ntq\x0fQK\x01K\x02\x85q\x10K\x01\x85q\x11"
    b"\x89h\x00)Rq\x12tq\x13Rr\x14\x00\x00\x00u."
)
KEYS = pickle.dumps(["7"], protocol=2)
ARCHIVE = HEADER + STATE + KEYS + STORAGES


class Malicious:
    """An object whose pickle runs a command."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._command,)


def test_the_archive_that_is_mutated_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(ARCHIVE)
    tensors = read_torch_archive(path)
    assert tensors["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tensors["bias"].tolist() == [1, 2]


def test_a_mutated_archive_is_tensors_or_an_error_and_runs_nothing(
    mutation_fuzzer: MutationFuzzer, tmp_path: Path
) -> None:
    path, victim = tmp_path / "weights.pth", tmp_path / "victim"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        try:
            tensors = read_torch_archive(path)
        except TorchArchiveError as error:
            assert "\n" not in str(error)
        else:
            assert sum(one.nbytes for one in tensors.values()) <= 4 * len(content)
        assert not victim.exists()

    commands = [pickle.dumps(Malicious(f"touch {victim}"), protocol) for protocol in range(6)]
    files = {"archive": ARCHIVE, "zip": b"PK\x03\x04" + ARCHIVE}
    for number, command in enumerate(commands):
        files[f"command {number}"] = command + ARCHIVE
        files[f"state {number}"] = HEADER + command + KEYS + STORAGES
    files |= {f"archive {number}": ARCHIVE for number in range(20)}  # most cases begin with one
    mutation_fuzzer.run("weights", read, files, 800)
