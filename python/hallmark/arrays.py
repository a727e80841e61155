"""Arrays of whoever calls, as the library reads them: on this machine, contiguous, of the type that it asks for.

Taken are NumPy arrays, CPU tensors of PyTorch (with or without gradient, bfloat16 too), what speaks DLPack or the
array interface, and lists. Nothing is rounded in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _native

_CPU = (1, 3)  # device types of DLPack whose memory this process reads


def any_array(x: Any, what: str, kinds: str = "fiu") -> np.ndarray:
    """The numbers of x. Errors: E0351 no numbers, on another device, or masked."""
    if isinstance(x, np.ma.MaskedArray):
        _native.refuse_array(f"{what} has masked numbers", f"{int(np.ma.count_masked(x))} of {x.size}",
                             "fill them, or leave out their rows")
    if isinstance(x, np.ndarray):
        array = x
    elif hasattr(x, "detach") and hasattr(x, "device"):
        array = _of_tensor(x, what)
    elif hasattr(x, "__dlpack__"):
        if x.__dlpack_device__()[0] not in _CPU:
            _native.refuse_array(f"{what} is on another device", f"DLPack device {x.__dlpack_device__()}", "copy it to the CPU")
        array = np.from_dlpack(x)
    else:
        array = np.asarray(x)
    if array.dtype.kind not in kinds:
        _native.refuse_array(f"{what} does not consist of numbers that can be read here", f"dtype {array.dtype}",
                             "an array of floating-point numbers")
    return array


def _of_tensor(x: Any, what: str) -> np.ndarray:
    x = x.detach()
    if x.device.type != "cpu":
        _native.refuse_array(f"{what} is on another device", f"device {x.device}", "x.cpu()")
    if str(x.dtype) == "torch.bfloat16":
        x = x.float()
    try:
        return x.resolve_conj().numpy()
    except (TypeError, RuntimeError) as error:
        _native.refuse_array(f"{what} is no dense tensor of numbers", str(error), "x.to_dense(), x.dequantize()")
        raise  # not reached: refuse_array raises


def contiguous(array: np.ndarray, dtype: Any) -> np.ndarray:
    return np.require(array, dtype, ["C", "A"])


def binary32(x: Any, what: str, from_binary64: bool = False) -> np.ndarray:
    """x as float32, C order. float16 and bfloat16 are widened; float64 is taken where `from_binary64` and every number
    is one of float32. Errors: E0351."""
    array = any_array(x, what)
    if array.dtype.kind == "f" and array.dtype.itemsize <= 4:
        return contiguous(array, np.float32)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8 or not from_binary64:
        _native.refuse_array(f"{what} has numbers that binary32 may not hold", f"dtype {array.dtype}",
                             "x.astype(numpy.float32): this rounding is yours")
    with np.errstate(over="ignore"):
        narrow = contiguous(array, np.float32)
    if not bool(np.all((narrow == array) | np.isnan(array))):
        place = np.unravel_index(int(np.argmax((narrow != array) & ~np.isnan(array))), array.shape)
        _native.refuse_array(f"{what} has a number that binary32 does not hold",
                             f"{array[place]!r} at {tuple(int(i) for i in place)}",
                             "x.astype(numpy.float32): this rounding is yours")
    return narrow


def binary64(x: Any, what: str) -> np.ndarray:
    """x as float64, C order; floating-point numbers of at most 64 bits. Errors: E0351."""
    array = any_array(x, what)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        _native.refuse_array(f"{what} has numbers that binary64 may not hold", f"dtype {array.dtype}",
                             "x.astype(numpy.float64)")
    return contiguous(array, np.float64)


def matrix(array: np.ndarray, what: str) -> np.ndarray:
    """Errors: E0351 not of 2 dimensions."""
    if array.ndim != 2:
        _native.refuse_array(f"{what} is no matrix", f"shape {array.shape}", "an array of 2 dimensions")
    return array
