"""Grids and words of the GoldenFloat format."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _native
from .arrays import any_array, binary32, contiguous


class Grid:
    """The points that weights are rounded to, by name: "gf16", "int4", "int4s", "int4z", "nf4", "lloyd:3", "gf:4,3",
    "table:FILE" (docs/design.md, section 1).

    Errors: E0220 unknown (UsageError), E0221 a table that is none.
    """

    def __init__(self, name: str) -> None:
        self._native = _native.Grid(str(name))
        self._word = str(name)

    @property
    def name(self) -> str:
        """As a user types it."""
        return self._native.name

    @property
    def id(self) -> str:
        """As files carry it, versioned: "int4/2"."""
        return self._native.id

    @property
    def bits(self) -> int:
        """Bits that tell the codes apart."""
        return self._native.bits

    @property
    def points(self) -> np.ndarray:
        """float64 [number of codes]: the values of all codes in increasing order, under scale 1 and zero point 0."""
        return np.array(self._native.points(), np.float64)

    def __str__(self) -> str:
        return self._word

    def __repr__(self) -> str:
        return f"hallmark.Grid({self._word!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and self.id == other.id and bool(np.array_equal(self.points, other.points))

    def __hash__(self) -> int:
        return hash(self.id)


def encode(values: Any) -> np.ndarray:
    """GF16 words of numbers, rounded once to nearest, ties to even (T7, T12).

    values: float16, bfloat16, float32 or float64 of any shape, of which nothing else is asked: infinities and NaN have
    words too. Returns uint16 of the same shape. Errors: E0351 (InputError).
    """
    array = any_array(values, "values")
    array = contiguous(array, np.float64) if array.dtype == np.float64 else binary32(array, "values")
    words = np.empty(array.shape, np.uint16)
    _native.encode(array, words)
    return words


def decode(words: Any) -> np.ndarray:
    """The numbers of GF16 words, exactly.

    words: uint16 of any shape. Returns float32 of the same shape; NaN is the one with the bits 0x7FC00000.
    Errors: E0351 (InputError) words of another type.
    """
    array = any_array(words, "words")
    if array.dtype.kind != "u" or array.dtype.itemsize != 2:
        _native.refuse_array("words are not of 16 bits", f"dtype {array.dtype}", "an array of uint16")
    array = contiguous(array, np.uint16)
    values = np.empty(array.shape, np.float32)
    _native.decode(array, values)
    return values
