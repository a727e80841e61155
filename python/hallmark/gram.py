"""Gram matrices of a layer's inputs."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from . import _native
from .arrays import binary32


class Gram:
    """G = X X^T, summed token by token: G[a, b] = sum_t x[t, a] x[t, b], each term by one fma in binary64, tokens in the
    order in which they come. So the bits depend on neither the batches, nor threads, nor the processor (T11).

        gram = hallmark.Gram(768)
        for x in inputs_of_the_layer:      # [..., 768]
            gram.add(x)
        gram.tokens, gram.matrix

    cols: columns of the weight, 1 or more.
    """

    def __init__(self, cols: int) -> None:
        if isinstance(cols, bool) or not isinstance(cols, (int, np.integer)) or cols < 1:
            _native.refuse_array("a Gram matrix has 1 column or more", f"cols is {cols!r}", "Gram(weight.shape[1])")
        self._native = _native.Gram(int(cols))

    def add(self, x: Any, tokens: Optional[Any] = None) -> "Gram":
        """Appends tokens and returns itself.

        x: [..., cols], one token for each row of the last dimension: float32, float16, bfloat16, or float64 whose
        numbers are those of float32; an array, a CPU tensor, or what speaks DLPack.
        tokens: bool [...], which rows count (an attention mask: padding is no token); None: all.
        Errors (InputError, nothing is added then): E0324 another width, E0325 a number that is not finite, E0351 a dtype
        that is not taken, another device, or a mask of another shape.
        """
        array = binary32(x, "x", from_binary64=True)
        if array.ndim == 0:
            _native.refuse_array("x has no columns", "shape ()", "an array [..., cols]")
        if tokens is not None:
            mask = np.asarray(tokens.detach().cpu().numpy() if hasattr(tokens, "detach") else tokens)
            if mask.shape != array.shape[:-1]:
                _native.refuse_array("the mask is not one of these tokens",
                                     f"mask {mask.shape}, x {array.shape}", "a mask of shape x.shape[:-1]")
            array = array[mask.astype(bool)]
        width = array.shape[-1]
        rows = array.reshape(-1, width) if width else array.reshape(0, 0)
        self._native.add(np.ascontiguousarray(rows))
        return self

    def copy(self) -> "Gram":
        """The same sums, to which other tokens may be added."""
        other = Gram.__new__(Gram)
        other._native = self._native.copy()
        return other

    @property
    def cols(self) -> int:
        return self._native.columns

    @property
    def tokens(self) -> int:
        """Tokens so far."""
        return self._native.tokens

    @property
    def matrix(self) -> np.ndarray:
        """float64 [cols, cols], symmetric to the last bit; a copy."""
        out = np.empty((self.cols, self.cols), np.float64)
        self._native.write(out)
        return out

    def __repr__(self) -> str:
        return f"<hallmark.Gram of {self.cols} columns, {self.tokens} tokens>"
