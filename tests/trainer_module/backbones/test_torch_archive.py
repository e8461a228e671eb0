"""The archives are written opcode by opcode, so that the content of a malicious file is visible."""

import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainer_module.backbones.torch_archive import TorchArchiveError, read_torch_archive

_MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
_VERSION = pickle.dumps(1001, protocol=2)
_SYSTEM = pickle.dumps({"little_endian": True}, protocol=2)
_ORDERED_DICT = b"ccollections\nOrderedDict\n)R"
_VALUES = np.arange(6, dtype="<f4")
_SECTIONS = ("magic", "version", "system", "state", "keys")


def _tuple(numbers: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(b"I%d\n" % number for number in numbers) + b"t"


def _tensor(
    shape: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    offset: int = 0,
    length: int = 6,
    kind: bytes = b"ctorch\nFloatStorage\n",
    build: bytes = b"ctorch._utils\n_rebuild_tensor_v2\n",
) -> bytes:
    storage = b"(Vstorage\n" + kind + b"V7\nVcpu\nI%d\nNtQ" % length
    view = b"I%d\n" % offset + _tuple(shape) + _tuple(strides)
    return build + b"(" + storage + view + b"I00\n" + _ORDERED_DICT + b"tR"


def _state(*tensors: bytes) -> bytes:
    items = b"".join(b"Vparameter%d\n" % i + tensor for i, tensor in enumerate(tensors))
    return _ORDERED_DICT + b"(" + items + b"u."


def _archive(tensor: bytes | None = None, **sections: bytes) -> bytes:
    standard = {
        "magic": _MAGIC,
        "version": _VERSION,
        "system": _SYSTEM,
        "state": _state(_tensor() if tensor is None else tensor),
        "keys": pickle.dumps(["7"], protocol=2),
        "storages": struct.pack("<q", _VALUES.size) + _VALUES.tobytes(),
    }
    return b"".join((standard | sections).values())


def _read(content: bytes, folder: Path) -> dict[str, np.ndarray]:
    file = folder / "weights.pth"
    file.write_bytes(content)
    return read_torch_archive(file)


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[bytes, str], None]:
    def check(content: bytes, reason: str) -> None:
        with pytest.raises(TorchArchiveError, match=reason) as caught:
            _read(content, tmp_path)
        assert "\n" not in str(caught.value)
        assert str(tmp_path) in str(caught.value)

    return check


def test_reads_a_tensor_back(tmp_path: Path) -> None:
    tensors = _read(_archive(), tmp_path)
    assert list(tensors) == ["parameter0"]
    assert tensors["parameter0"].dtype == np.float32
    np.testing.assert_array_equal(tensors["parameter0"], [[0, 1, 2], [3, 4, 5]])


def test_follows_strides_and_offset(tmp_path: Path) -> None:
    transposed = _read(_archive(_tensor((3, 2), (1, 3))), tmp_path)["parameter0"]
    np.testing.assert_array_equal(transposed, [[0, 3], [1, 4], [2, 5]])
    assert transposed.flags.c_contiguous
    scalar = _read(_archive(_tensor((), (), offset=4)), tmp_path)["parameter0"]
    assert scalar.shape == ()
    assert scalar == 4
    # The stride of an axis of length 1 is never used, and torch writes what it likes.
    row = _read(_archive(_tensor((1, 6), (2**70, 1))), tmp_path)["parameter0"]
    np.testing.assert_array_equal(row, [_VALUES])


def test_tensors_of_one_storage_do_not_share_memory(tmp_path: Path) -> None:
    tensors = _read(_archive(state=_state(_tensor(), _tensor((6,), (1,)))), tmp_path)
    assert not np.shares_memory(tensors["parameter0"], tensors["parameter1"])


class _Malicious:
    def __init__(self, path: Path):
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self._path}",)


@pytest.mark.parametrize("section", _SECTIONS)
def test_a_malicious_pickle_runs_nothing(
    section: str, tmp_path: Path, refused: Callable[[bytes, str], None]
) -> None:
    victim = tmp_path / "victim"
    malicious = pickle.dumps(_Malicious(victim), protocol=2)
    refused(_archive(**{section: malicious}), r"asks for (posix|nt)\.system")
    assert not victim.exists()


@pytest.mark.parametrize("section", _SECTIONS)
def test_a_malicious_pickle_hidden_in_a_container_runs_nothing(
    section: str, tmp_path: Path, refused: Callable[[bytes, str], None]
) -> None:
    victim = tmp_path / "victim"
    malicious = pickle.dumps({"little_endian": [_Malicious(victim)]}, protocol=4)
    refused(_archive(**{section: malicious}), r"asks for (posix|nt)\.system")
    assert not victim.exists()


@pytest.mark.parametrize(
    "name",
    ["builtins\neval", "collections\nCounter", "torch._utils\n_rebuild_tensor", "torch\nload"],
)
def test_only_the_names_of_plain_tensors_are_resolved(
    name: str, refused: Callable[[bytes, str], None]
) -> None:
    call = b"c" + name.encode() + b"\n)R."
    refused(_archive(state=call), f"asks for {name}".replace("\n", "."))


def test_a_file_truncated_anywhere_is_refused(
    tmp_path: Path, refused: Callable[[bytes, str], None]
) -> None:
    content = _archive()
    for length in range(len(content)):
        refused(content[:length], "is not a readable torch archive")


def test_data_after_the_last_storage_is_refused(refused: Callable[[bytes, str], None]) -> None:
    refused(_archive() + b"\0", "after the last storage")


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (_tensor(offset=1), "does not fit its storage"),
        (_tensor(shape=(2, 4)), "does not fit its storage"),
        (_tensor(strides=(4, 1)), "does not fit its storage"),
        (_tensor(shape=(2**40,), strides=(0,)), "does not fit its storage"),
        (_tensor(shape=(0,), strides=(1,)), "does not fit its storage"),
        (_tensor(shape=(2,), strides=(-1,), offset=1), "malformed"),
        (_tensor(shape=(2, 3), strides=(3,)), "2 axes and 1 strides"),
        (_tensor(length=-6), "unexpected storage reference"),
        (_tensor(kind=b"Vtorch.QUInt8Storage\n"), "unexpected storage reference"),
    ],
)
def test_a_tensor_that_contradicts_its_storage_is_refused(
    tensor: bytes, reason: str, refused: Callable[[bytes, str], None]
) -> None:
    refused(_archive(tensor), reason)


def test_a_shape_that_changes_after_its_check_is_refused(
    refused: Callable[[bytes, str], None],
) -> None:
    # The shape is a list, memoised as 9; once the tensor is built, the pickle appends to it.
    shape, strides = b"](I6\nep9\n", b"](I1\ne"
    storage = b"(Vstorage\nctorch\nFloatStorage\nV7\nVcpu\nI6\nNtQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"I0\n" + shape + strides + b"tR"
    append = b"g9\n(I1000000\ne0"
    state = _ORDERED_DICT + b"(Vparameter0\n" + tensor + append + b"u."
    refused(_archive(state=state), "uses a container twice")


def _nested(levels: int, double: bytes) -> bytes:
    """Return a pickle of containers that hold the one before twice; it has no opcode of its own."""
    lines = [b"(t" + b"p%d\n" % 0]
    lines += [
        double.replace(b"?", b"%d" % level) + b"p%d\n" % (level + 1) for level in range(levels)
    ]
    return b"".join(lines)


@pytest.mark.parametrize("section", _SECTIONS)
@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (_nested(60, b"(g?\ng?\nt"), "uses a container twice"),
        (b"}" + _nested(60, b"(g?\ng?\nt") + b"I1\ns", "uses a container twice"),
        (b"\x80\x04" + _nested(60, b"(g?\ng?\n\x91"), "uses a container twice"),
        (b")" + b"2\x86" * 60, "uses a container twice"),
        (b"Vx\nr\xff\xff\xff\x01", "a memo with 33554431 values"),
        (b"Vx\np1000000000000\n", "a memo with 1000000000000 values"),
    ],
    ids=["tuples", "key", "frozensets", "duplicates", "memo", "memo in text"],
)
def test_a_pickle_that_stands_for_more_than_it_holds_is_refused(
    section: str, bomb: bytes, reason: str, refused: Callable[[bytes, str], None]
) -> None:
    refused(_archive(**{section: bomb + b"."}), reason)


def test_many_copies_of_a_storage_are_refused(
    tmp_path: Path, refused: Callable[[bytes, str], None]
) -> None:
    tied = _read(_archive(state=_state(*[_tensor()] * 4)), tmp_path)
    assert len(tied) == 4
    refused(
        _archive(state=_state(*[_tensor()] * 5)), "its tensors have 120 bytes, and its storages"
    )


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    with pytest.raises(TorchArchiveError, match=r"weights\.pth is larger than 2 GiB"):
        read_torch_archive(file)


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"magic": pickle.dumps(1)}, "wrong magic number"),
        ({"version": pickle.dumps(1002)}, "protocol version 1002 is not 1001"),
        ({"system": pickle.dumps({"little_endian": False})}, "little-endian"),
        ({"state": pickle.dumps([1])}, "its object is a list"),
        ({"state": b"(" + b"I1\n" + _tensor() + b"d."}, "a parameter is named 1"),
        ({"state": _state(_tensor(), b"I1\n")}, "parameter1 is a int, not a tensor"),
        ({"state": _state(_tensor(), _ORDERED_DICT)}, "parameter1 is a OrderedDict, not"),
        ({"state": _state(_tensor(), _tensor(length=5))}, "storage 7 is described in two ways"),
        ({"state": _state(_tensor())[:-2] + b"VA\\u000aB\nI1\nu."}, r"A\\nB is a int"),
        ({"version": pickle.dumps(10**5000)}, "is not a readable torch archive"),
        ({"version": b"]" * 100_000 + b"a" * 99_999 + b"."}, "is not a readable torch archive"),
        ({"keys": pickle.dumps(["8"])}, "keys do not match"),
        ({"keys": pickle.dumps([7])}, "keys do not match"),
        ({"keys": pickle.dumps(["7", "7"])}, "keys do not match"),
        ({"keys": b"Vstorage\nQ."}, "outside its state dict"),
        ({"storages": struct.pack("<q", 7) + _VALUES.tobytes()}, "does not have 6 elements"),
    ],
)
def test_a_section_that_does_not_fit_the_others_is_refused(
    sections: dict[str, bytes], reason: str, refused: Callable[[bytes, str], None]
) -> None:
    refused(_archive(**sections), reason)


def test_the_zip_format_is_refused_with_advice(refused: Callable[[bytes, str], None]) -> None:
    refused(b"PK\x03\x04" + bytes(100), "_use_new_zipfile_serialization=False")
