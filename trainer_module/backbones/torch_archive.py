"""Reads legacy PyTorch archives (`torch.save` before the zip format) without torch.

The file is a sequence of pickles (magic number, protocol version, system info, the state dict,
the storage keys) followed by the raw storages, each an element count of 8 bytes and its data. The
layout is defined by `torch.serialization._legacy_save` in PyTorch.

A pickle can name any function to be called. The unpickler here knows a fixed set of names, replaces
them by harmless values, and refuses all others. A pickle can also stand for more memory than there
is: its opcodes are checked before it is loaded.
"""

import io
import pickle
import pickletools
import reprlib
import struct
from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer_module.contract.errors import InputError

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
_MAX_RANK = 32  # NumPy 1
_MAX_REASON = 200  # characters of an error message that come from the file
_ZIP_SIGNATURE = b"PK\x03\x04"

#: Size of the largest archive that is read; those of EfficientNet-Lite have 20 to 50 MB.
_MAX_BYTES = 2**31

#: Largest ratio of the size of all tensors to that of the storages; tied weights are there twice.
_MAX_SHARING = 4

#: Opcodes of values that a pickle may use again. A container could hold itself, or twice what holds
#: twice the next one: to hash or to print it would not end.
_SHARED_OPCODES = frozenset(
    {"GLOBAL", "STACK_GLOBAL", "REDUCE", "PERSID", "BINPERSID"}
    | {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
)

_STORAGE_DTYPES = {
    "torch.DoubleStorage": "<f8",
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "<i1",
    "torch.ByteStorage": "<u1",
    "torch.BoolStorage": "?",
}


class TorchArchiveError(InputError):
    """Error of a file that is no legacy torch archive of plain tensors, or that is damaged."""


class _Storage(NamedTuple):
    """A flat buffer of the archive: key, NumPy dtype and number of elements."""

    key: str
    dtype: str
    length: int


class _Tensor(NamedTuple):
    """A strided view of a storage; offset and strides are in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_archive(path: str | Path) -> dict[str, npt.NDArray[Any]]:
    """Read the tensors of a legacy PyTorch archive; nothing in the file is executed.

    Args:
        path: Path of a file that `torch.save(model.state_dict(), path)` wrote before PyTorch 1.6,
            or with `_use_new_zipfile_serialization=False`.

    Returns:
        A contiguous copy of every tensor by parameter name, in the order of the file.

    Raises:
        TorchArchiveError: The file contains anything but plain tensors, is truncated, or its sizes
            contradict each other.
    """
    path = Path(path)
    if path.stat().st_size > _MAX_BYTES:
        raise TorchArchiveError(f"{path} is larger than {_MAX_BYTES // 2**30} GiB")
    content = path.read_bytes()
    try:
        return _read(content)
    except Exception as error:  # a damaged or malicious file can raise almost any error
        reason = str(error) if isinstance(error, TorchArchiveError) else repr(error)
        reason = " ".join(reason.split())[:_MAX_REASON]
        raise TorchArchiveError(f"{path} is not a readable torch archive: {reason}") from error


def _read(content: bytes) -> dict[str, npt.NDArray[Any]]:
    if content.startswith(_ZIP_SIGNATURE):
        raise TorchArchiveError(
            "it has the zip format of PyTorch 1.6 and later; save it again with "
            "torch.save(..., _use_new_zipfile_serialization=False)"
        )
    file = io.BytesIO(content)
    _check_header(file)
    unpickler = _TensorUnpickler(file)
    state = _load(unpickler, file)
    if not isinstance(state, Mapping):
        raise TorchArchiveError(f"its object is a {type(state).__name__}, not a state dict")
    keys = _load(_PlainUnpickler(file), file)
    buffers = _read_storages(file, keys, unpickler.storages)
    _check_sizes(state, buffers)
    return {_parameter_name(key): _materialise(key, state[key], buffers) for key in state}


def _load(unpickler: pickle.Unpickler, file: io.BytesIO) -> Any:
    """Load a pickle after a check of its opcodes."""
    start = file.tell()
    _check_opcodes(file)
    file.seek(start)
    return unpickler.load()


def _check_opcodes(file: io.BytesIO) -> None:
    """Refuse a pickle whose values could take more memory or time than their number tells."""
    memo: dict[int, str] = {}
    last = ""
    for number, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        name, index = opcode.name, argument if isinstance(argument, int) else 0
        if name == "MEMOIZE":
            memo[len(memo)] = last
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            if index > number:  # the unpickler would reserve memory for all indices below
                raise TorchArchiveError(f"its pickle has a memo with {index} values")
            memo[index] = last
        elif name == "DUP" or (
            name in ("GET", "BINGET", "LONG_BINGET") and memo.get(index, "") not in _SHARED_OPCODES
        ):
            raise TorchArchiveError("its pickle uses a container twice")
        else:
            last = name


class _PlainUnpickler(pickle.Unpickler):
    """Unpickler of numbers, strings and containers of them; it resolves no names."""

    def find_class(self, module: str, name: str) -> Any:
        raise TorchArchiveError(f"it asks for {module}.{name}, which is not allowed")

    def persistent_load(self, pid: Any) -> Any:
        raise TorchArchiveError("it refers to a storage outside its state dict")


class _TensorUnpickler(_PlainUnpickler):
    """Unpickler of a state dict of tensors; it describes their storages, which are read later."""

    def __init__(self, file: io.BytesIO):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        qualified = f"{module}.{name}"
        if qualified == "collections.OrderedDict":
            return OrderedDict
        if qualified == "torch._utils._rebuild_tensor_v2":
            return _build_tensor
        if qualified in _STORAGE_DTYPES:
            return qualified
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", str(kind), str(key), str(), int(length), None) if (
                kind in _STORAGE_DTYPES and length > 0
            ):
                storage = _Storage(key, _STORAGE_DTYPES[kind], length)
            case _:
                raise TorchArchiveError(f"unexpected storage reference {reprlib.repr(pid)}")
        if self.storages.setdefault(key, storage) != storage:
            raise TorchArchiveError(f"storage {key} is described in two ways")
        return storage


def _build_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    """Describe a tensor, in place of `torch._utils._rebuild_tensor_v2`."""
    # Tuples, because the pickle could change a list after the check.
    tensor = _Tensor(storage, offset, tuple(shape), tuple(strides))
    _check_tensor(tensor)
    return tensor


def _check_tensor(tensor: _Tensor) -> None:
    """Raise an error for a view that is malformed, empty or exceeds its storage."""
    storage, offset, shape, strides = tensor
    sizes = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or not all(isinstance(n, int) and n >= 0 for n in sizes):
        raise TorchArchiveError("a tensor is malformed")
    if len(shape) != len(strides) or len(shape) > _MAX_RANK:
        raise TorchArchiveError(f"a tensor has {len(shape)} axes and {len(strides)} strides")
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if not 1 <= prod(shape) <= storage.length or last >= storage.length:
        raise TorchArchiveError(f"a tensor of shape {shape} does not fit its storage")


def _check_header(file: io.BytesIO) -> None:
    if _load(_PlainUnpickler(file), file) != _MAGIC_NUMBER:
        raise TorchArchiveError("wrong magic number")
    version = _load(_PlainUnpickler(file), file)
    if version != _PROTOCOL_VERSION:
        shown = reprlib.repr(version)
        raise TorchArchiveError(f"protocol version {shown} is not {_PROTOCOL_VERSION}")
    system = _load(_PlainUnpickler(file), file)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise TorchArchiveError("it was not written by a little-endian machine")


def _read_storages(
    file: io.BytesIO, keys: Any, storages: Mapping[str, _Storage]
) -> dict[str, npt.NDArray[Any]]:
    """Read the raw storages, which follow the pickles in the order of `keys`."""
    is_list = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not is_list or sorted(keys) != sorted(storages):
        raise TorchArchiveError("its storage keys do not match its tensors")
    buffers = {}
    for key in keys:
        storage = storages[key]
        size = storage.length * np.dtype(storage.dtype).itemsize
        count, data = file.read(8), file.read(size)
        if len(count) < 8 or len(data) < size:
            raise TorchArchiveError(f"it ends inside storage {key}")
        if struct.unpack("<q", count)[0] != storage.length:
            raise TorchArchiveError(f"storage {key} does not have {storage.length} elements")
        buffers[key] = np.frombuffer(data, storage.dtype)
    if file.read(1):
        raise TorchArchiveError("there is data after the last storage")
    return buffers


def _check_sizes(state: Mapping[Any, Any], buffers: Mapping[str, npt.NDArray[Any]]) -> None:
    """Refuse tensors that share so much of the storages that their copies need far more memory."""
    tensors = [one for one in state.values() if isinstance(one, _Tensor)]
    size = sum(prod(one.shape) * np.dtype(one.storage.dtype).itemsize for one in tensors)
    stored = sum(one.nbytes for one in buffers.values())
    if size > _MAX_SHARING * stored:
        raise TorchArchiveError(f"its tensors have {size:,} bytes, and its storages {stored:,}")


def _parameter_name(key: Any) -> str:
    if not isinstance(key, str):
        raise TorchArchiveError(f"a parameter is named {reprlib.repr(key)}, not a string")
    return key


def _materialise(
    name: str, tensor: Any, buffers: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    if not isinstance(tensor, _Tensor):
        raise TorchArchiveError(f"{name} is a {type(tensor).__name__}, not a tensor")
    buffer = buffers[tensor.storage.key][tensor.offset :]
    # The stride of an axis of length 1 is never used and may be any number.
    axes = zip(tensor.shape, tensor.strides, strict=True)
    byte_strides = [stride * buffer.itemsize if length > 1 else 0 for length, stride in axes]
    # Safe because _check_tensor has checked the bounds of the view. The result is a copy.
    view = np.lib.stride_tricks.as_strided(buffer, tensor.shape, byte_strides, writeable=False)
    return view.copy(order="C")
