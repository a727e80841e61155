"""Models in files: quantized, opened, judged and exported as the program `hallmark` does it, by the same code."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from . import _native
from .arrays import any_array, binary64, contiguous, matrix
from .gram import Gram, TargetGram
from .matrix import QuantizedMatrix, words

Path = Union[str, "os.PathLike[str]"]
Progress = Callable[[float, str], Any]
"""Called with the share of the work that is done, 0 to 1, and the name of the tensor that comes next."""

_DTYPES = {np.dtype(np.float64): "F64", np.dtype(np.float32): "F32", np.dtype(np.float16): "F16",
           np.dtype(np.int64): "I64", np.dtype(np.int32): "I32", np.dtype(np.int16): "I16", np.dtype(np.int8): "I8",
           np.dtype(np.uint64): "U64", np.dtype(np.uint32): "U32", np.dtype(np.uint16): "U16",
           np.dtype(np.uint8): "U8", np.dtype(np.bool_): "BOOL"}
_OF_DTYPE = {name: dtype for dtype, name in _DTYPES.items()}


def _rows(exact: Union[bool, int]) -> int:
    return -1 if exact is True else int(exact)


def _text(path: Optional[Path]) -> str:
    return "" if path is None else os.fspath(path)


class Model:
    """A quantized model: a container of Hallmark's, or one of the formats that are read (GGUF, GPTQ,
    compressed-tensors). Codes, steps and digests have been checked; a matrix is decoded when it is asked for.
    """

    def __init__(self, path: Path) -> None:
        self._native = _native.Model(os.fspath(path))
        self._matrices = {name: k for k, (name, *_) in enumerate(self._native.matrices)}

    @property
    def tensors(self) -> Dict[str, Tuple[str, Tuple[int, ...]]]:
        """Every tensor of the float model by name: dtype as safetensors calls it, and shape."""
        return {name: (dtype, tuple(shape)) for name, dtype, shape in self._native.tensors}

    @property
    def matrices(self) -> Tuple[str, ...]:
        """Names of the matrices that are quantized: NAME, or NAME[i] in a stack."""
        return tuple(self._matrices)

    def matrix(self, name: str) -> QuantizedMatrix:
        """Codes and steps of a matrix [out, in]. Errors: KeyError."""
        return QuantizedMatrix(self._native.matrix(self._matrices[name]))

    def tensor(self, name: str) -> np.ndarray:
        """A tensor of the float model in its shape: float32 [...] made from codes, else as it was (BF16 as float32).
        Errors: KeyError; E0433 where given scales make numbers that binary32 does not hold (InfeasibleError).
        """
        dtype, shape = self.tensors[name]
        parts = [(index, transposed, k) for k, (_, tensor, index, transposed) in enumerate(self._native.matrices)
                 if tensor == name]
        if not parts:
            return self._passed_through(name, dtype, shape)
        out = np.empty(shape, np.float32)
        for index, transposed, k in parts:
            q = QuantizedMatrix(self._native.matrix(k)).dequantized
            out[... if index is None else index] = q.T if transposed else q
        return out

    def _passed_through(self, name: str, dtype: str, shape: Tuple[int, ...]) -> np.ndarray:
        raw = self._native.passed_through(name)
        if dtype == "BF16":
            return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
        if dtype not in _OF_DTYPE:
            _native.refuse_array(f"'{name}' has numbers that NumPy does not know", f"dtype {dtype}",
                                 "export it and read the file")
        return np.frombuffer(raw, _OF_DTYPE[dtype]).reshape(shape).copy()

    def save(self, output: Path, *, overwrite: bool = False) -> None:
        """Writes the container of Hallmark's with these codes: `export` to "hallmark". The certificate is a file of its
        own, to be copied."""
        export(self, output, to="hallmark", overwrite=overwrite)

    def __repr__(self) -> str:
        return f"<hallmark.Model of {len(self.tensors)} tensors, {len(self._matrices)} matrices quantized>"


def open(path: Path) -> Model:
    """The quantized model in a file. Errors: InputError E0301..E0369, MismatchError E0710, FileError."""
    return Model(path)


def formats() -> Dict[str, str]:
    """What `export` writes, by name."""
    return dict(_native.file_formats())


def quantize_file(weights: Path, output: Path, calibration: Optional[Path] = None, *, config: Optional[Path] = None,
                  include: Sequence[str] = (), exclude: Sequence[str] = (), contracts: str = "on",
                  exact: bool = False, bounds: bool = False, optimality: bool = False, holdout: float = 0.0,
                  overwrite: bool = False, threads: int = 0, progress: Optional[Progress] = None,
                  **options: Any) -> Model:
    """`hallmark quantize`: the same container and the same certificate beside it, byte for byte. Returns the container,
    opened.

    weights: a .safetensors file or model.safetensors.index.json.  calibration: a file of `save_calibration` or
    docs/calibration.md; None for methods that need none.  config: rules by name (docs/cli.md).  include, exclude:
    regular expressions on names.  holdout: fraction of the tokens that stay out.  options: as of `quantize`.

    Other threads run meanwhile. Ctrl-C, and whatever `progress` raises, stops before the next tensor; container and
    certificate appear together and whole, or not at all. Errors: those of the tool (docs/errors.md).
    """
    _native.quantize_files(os.fspath(weights), _text(calibration), os.fspath(output), words(options), _text(config),
                           list(include), list(exclude), contracts, _rows(exact), bounds, optimality, float(holdout),
                           overwrite, threads, progress)
    return Model(output)


class Verification(NamedTuple):
    """What `verify` found; nothing differs, or it would have raised."""

    loss_over_rtn: Dict[str, Optional[float]]
    """By matrix: loss of the codes over that of rounding to nearest; None without calibration."""
    rows: int
    """Judged."""
    worse_rows: int
    """Without a certificate: rows that surely lose more than round-to-nearest."""
    unjudged_contracts: bool
    unjudged_bounds: bool
    unjudged_scales: bool
    unjudged_counts: bool
    """What only `reproduce=True` can tell."""
    unjudged_exact_losses: bool
    """Beyond their enclosures, only `exact` can tell."""
    decided: Tuple[int, int, int]
    """Rows whose losses were decided in binary32 and in binary64, and by exact arithmetic, with `exact` those again."""


def verify(quantized: Path, weights: Path, calibration: Optional[Path] = None, *, certificate: Optional[Path] = None,
           certified: bool = True, reproduce: bool = False, exact: Union[bool, int] = False, threads: int = 0,
           progress: Optional[Progress] = None) -> Verification:
    """`hallmark verify`: judges the stored codes, and what their certificate says of them, on the files.

    certificate: None for the one beside the model.  certified: False judges the codes alone.  reproduce: runs the
    quantization again and compares every bit.  exact: True for every row by exact arithmetic, or so many of each
    matrix. Errors: MismatchError E0710..E0713 where anything differs, which names tensor and row; those of the files.
    """
    return Verification(**_native.verify(os.fspath(quantized), os.fspath(weights), _text(calibration),
                                         _text(certificate), certified, reproduce, _rows(exact), threads, progress))


def export(model: Union[Model, Path], output: Path, *, to: str, overwrite: bool = False,
           progress: Optional[Progress] = None) -> None:
    """Writes a quantized model in another format (`formats()`: "gguf", "gptq", "compressed-tensors", ...), every number
    as it was, or refuses with the tensor and the reason and writes nothing. Errors: InfeasibleError; UsageError E0231.
    """
    opened = model if isinstance(model, Model) else Model(model)
    opened._native.write(to, os.fspath(output), overwrite, progress)


def save_calibration(path: Path, grams: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """A calibration file: for each weight, by name, a `Gram`, a `TargetGram`, or an array [cols, cols] (its tokens are
    then unknown). Errors: FileError; InfeasibleError E0410 the file exists; InputError E0351.
    """
    entries = []
    for name, gram in grams.items():
        if isinstance(gram, TargetGram):
            for suffix, sums in zip((".gram", ".cross_gram", ".float_gram"), gram.matrices):
                entries.append((name, suffix, sums, gram.tokens))
            continue
        known = isinstance(gram, Gram)
        sums = gram.matrix if known else matrix(binary64(gram, name), name)
        entries.append((name, ".gram", sums, gram.tokens if known else None))
    _native.write_calibration(os.fspath(path), entries, overwrite)


def save_weights(path: Path, tensors: Mapping[str, Any], *, overwrite: bool = False,
                 metadata: Optional[Mapping[str, str]] = None) -> None:
    """A safetensors file of arrays or CPU tensors by name, dtypes as they are (bfloat16 too).
    Errors: FileError; InfeasibleError E0410 the file exists; InputError E0351.
    """
    _native.write_tensors(os.fspath(path), [_entry(name, x) for name, x in tensors.items()], dict(metadata or {}),
                          overwrite)


def _entry(name: str, x: Any) -> Tuple[str, str, Tuple[int, ...], np.ndarray]:
    dtype = None
    if str(getattr(x, "dtype", "")) == "torch.bfloat16":
        import torch

        x, dtype = x.detach().contiguous().view(torch.int16), "BF16"
    array = any_array(x, name, kinds="fiub")
    array = contiguous(array, array.dtype.newbyteorder("="))
    if array.dtype not in _DTYPES:
        _native.refuse_array(f"'{name}' has numbers that safetensors has not", f"dtype {array.dtype}", "another dtype")
    return name, dtype or _DTYPES[array.dtype], array.shape, array.reshape(-1).view(np.uint8)
