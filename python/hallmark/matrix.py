"""One matrix in memory, from weights to codes with their certificate."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from . import _native
from .arrays import any_array, binary32, binary64, contiguous, matrix
from .gram import Gram, TargetGram
from .numbers import Grid

_DTYPES = {"U16": np.uint16, "U8": np.uint8, "I8": np.int8}


def words(options: Dict[str, Any]) -> Dict[str, str]:
    """Options as the words of a command line; None is left out."""
    spelled = {True: "true", False: "false"}
    return {name: spelled[value] if isinstance(value, (bool, np.bool_)) else str(value)
            for name, value in options.items() if value is not None}


class Certificate:
    """What is promised of one matrix: the lines of `Q.certificate.json` (docs/certificate.md), which `text` has byte for
    byte. Losses are e G e^T, e = w - q, in the Gram matrix that was given; lo <= loss <= hi (T1, T11, T15).
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def json(self) -> Dict[str, Any]:
        return json.loads(self.text)

    def _ends(self, *keys: str) -> np.ndarray:
        rows = self.json["values"]
        ends = np.empty((len(rows), 2))
        for i, row in enumerate(rows):
            for key in keys:
                row = row[key]
            ends[i] = [float.fromhex(end) for end in row["enclosure"]]
        return ends

    @cached_property
    def loss(self) -> np.ndarray:
        """float64 [rows, 2]: enclosure of the loss of the codes, row by row; [0, 2] without a Gram matrix."""
        return self._ends("final")

    @cached_property
    def loss_rtn(self) -> np.ndarray:
        """float64 [rows, 2]: the same of rounding to nearest. With the guard no row of `loss` is above it (T6)."""
        return self._ends("rtn")

    @cached_property
    def bound(self) -> Optional[np.ndarray]:
        """float64 [rows, 2]: enclosure of the proved bound of the loss (T30), with `bounds=True`; else None."""
        rows = self.json["values"]
        return self._ends("bound") if rows and "bound" in rows[0] else None

    @cached_property
    def kept_rtn(self) -> np.ndarray:
        """bool [rows]: rows in which the guard kept rounding to nearest."""
        return np.array([row["kept"] == "rtn" for row in self.json["values"]], bool)

    @property
    def sha256(self) -> Dict[str, str]:
        """Digests of weights, Gram matrix, codes and steps."""
        return self.json["sha256"]

    @property
    def contracts(self) -> List[Dict[str, Any]]:
        """The run-time contracts that were checked, with their theorems."""
        return self.json["contracts"]

    def __repr__(self) -> str:
        loss = f", loss at most {self.loss[:, 1].sum():.6g}" if len(self.loss) else ""
        return f"<hallmark.Certificate of '{self.json['name']}'{loss}>"


class QuantizedMatrix:
    """Codes and steps of one matrix [rows, cols], and what is certified of them. All arrays are copies."""

    def __init__(self, native: Any) -> None:
        self._native = native

    @property
    def name(self) -> str:
        return self._native.name

    @property
    def shape(self) -> Tuple[int, int]:
        return self._native.shape

    @cached_property
    def grid(self) -> Grid:
        return Grid(self._native.grid.name)

    @property
    def options(self) -> Dict[str, Any]:
        """Every option as resolved."""
        return json.loads(self._native.options)

    @cached_property
    def codes(self) -> np.ndarray:
        """[rows, cols]: uint16 for words and grids of more than 8 bits, int8 for signed integers, else uint8."""
        return self._array(self.shape, _DTYPES[self._native.code_dtype], self._native.write_codes)

    @cached_property
    def scales(self) -> np.ndarray:
        """float32 [rows, groups]."""
        return self._array((self.shape[0], self._native.groups), np.float32, self._native.write_scales)

    @cached_property
    def zero_points(self) -> Optional[np.ndarray]:
        """int16 [rows, groups]; None where the grid has no zero points."""
        if not self._native.has_zero_points:
            return None
        return self._array((self.shape[0], self._native.groups), np.int16, self._native.write_zero_points)

    @cached_property
    def rotated(self) -> Optional[np.ndarray]:
        """bool [rows]: rows whose codes stand for points of the rotated basis; None without a rotation."""
        if not self._native.has_rotation:
            return None
        return self._array((self.shape[0],), np.uint8, self._native.write_rotated).astype(bool)

    @cached_property
    def low_rank(self) -> Optional[Tuple[np.ndarray, np.ndarray]]:
        """float32 A [rows, rank] and B [rank, cols], added to what the codes stand for; None without a correction."""
        rows, cols = self.shape
        rank = self._native.low_rank
        if rank == 0:
            return None
        a, b = np.empty((rows, rank), np.float32), np.empty((rank, cols), np.float32)
        self._native.write_low_rank(a, b)
        return a, b

    @cached_property
    def dequantized(self) -> np.ndarray:
        """float32 [rows, cols]: the numbers q that the codes stand for, exactly."""
        return self._array(self.shape, np.float32, self._native.dequantize)

    @cached_property
    def certificate(self) -> Certificate:
        return Certificate(self._native.certificate())

    def _array(self, shape: Tuple[int, ...], dtype: Any, write: Any) -> np.ndarray:
        out = np.empty(shape, dtype)
        write(out)
        return out

    def __repr__(self) -> str:
        rows, cols = self.shape
        return f"<hallmark.QuantizedMatrix '{self.name}' {rows} x {cols}, {self._native.grid.name}>"


def quantize(W: Any, gram: Any = None, *, name: str = "weight", contracts: str = "on", exact: bool = False,
             bounds: bool = False, optimality: bool = False, threads: int = 0, **options: Any) -> QuantizedMatrix:
    """Codes of W on a grid, by a method that loses little on the inputs of which `gram` is the Gram matrix.

        q = hallmark.quantize(W, gram, grid="int4", method="best")
        q.codes, q.scales, q.dequantized, q.certificate.loss

    Codes, steps and certificate are bit for bit those that `hallmark quantize` writes of a file in which W is F32 and
    the Gram matrix F64, for any number of threads.

    W: [rows, cols] = [out, in], float32, float16 or bfloat16; read, never written.
    gram: a `Gram` of cols columns, or an array [cols, cols] of floating-point numbers, symmetric to the last bit; a
        `TargetGram` for target="asymmetric"; None for methods that need none ("rtn").
    name: of the weight, which seeds the signs of a rotation and stands in the certificate.
    contracts: "on", "exact" or "off".  exact: every row by exact arithmetic too.  bounds, optimality: what the
        certificate says beyond losses (docs/certificate.md).  threads: 0 for all cores; never changes a bit.
    options: those of `hallmark.options()`: grid (a name or a `Grid`), method, scale_rule, group_size, ...; or
        bits=2..8, preset="q4_0", which stand for several.

    Other threads of Python run meanwhile. Errors: UsageError E0214 a method without its Gram matrix, E0220..E0234
    options; InputError E0350 a weight that is not finite, E0322 and E0323 no Gram matrix, E0351 arrays that are
    not taken, E0385 a Gram matrix of no token; InfeasibleError E0415 of another width, E0420 W without numbers, E0434
    groups beyond the columns; NumericError; ContractError.
    """
    weights = matrix(binary32(W, "W"), "W")
    tokens, no_token, sums, float_inputs = 0, False, None, None
    if isinstance(gram, TargetGram):
        tokens, (sums, *float_inputs) = gram.tokens, gram.matrices
        no_token = tokens == 0
    elif isinstance(gram, Gram):
        tokens, sums = gram.tokens, gram.matrix
        no_token = tokens == 0
    elif gram is not None:
        sums = matrix(binary64(gram, "gram"), "gram")
        if sums.shape[0] != sums.shape[1]:
            _native.refuse_array("gram is not square", f"shape {sums.shape}", "G = X X^T, [cols, cols]")
    return QuantizedMatrix(_native.quantize(weights, sums, float_inputs, tokens, no_token, name, words(options),
                                            contracts, exact, bounds, optimality, threads))
