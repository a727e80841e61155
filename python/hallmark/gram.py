"""Gram matrices of a layer's inputs."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np

from . import _native
from .arrays import binary32


def _columns(cols: Any) -> int:
    if isinstance(cols, bool) or not isinstance(cols, (int, np.integer)) or cols < 1:
        _native.refuse_array("a Gram matrix has 1 column or more", f"cols is {cols!r}", "Gram(weight.shape[1])")
    return int(cols)


def _rows(x: Any, name: str, tokens: Optional[Any]) -> np.ndarray:
    """x as float32 [tokens, cols], contiguous, without the tokens that do not count."""
    array = binary32(x, name, from_binary64=True)
    if array.ndim == 0:
        _native.refuse_array(f"{name} has no columns", "shape ()", "an array [..., cols]")
    if tokens is not None:
        mask = np.asarray(tokens.detach().cpu().numpy() if hasattr(tokens, "detach") else tokens)
        if mask.shape != array.shape[:-1]:
            _native.refuse_array("the mask is not one of these tokens",
                                 f"mask {mask.shape}, {name} {array.shape}", f"a mask of shape {name}.shape[:-1]")
        array = array[mask.astype(bool)]
    width = array.shape[-1]
    rows = array.reshape(-1, width) if width else array.reshape(0, 0)
    return np.ascontiguousarray(rows)


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
        self._native = _native.Gram(_columns(cols))

    def add(self, x: Any, tokens: Optional[Any] = None) -> "Gram":
        """Appends tokens and returns itself.

        x: [..., cols], one token for each row of the last dimension: float32, float16, bfloat16, or float64 whose
        numbers are those of float32; an array, a CPU tensor, or what speaks DLPack.
        tokens: bool [...], which rows count (an attention mask: padding is no token); None: all.
        Errors (InputError, nothing is added then): E0324 another width, E0325 a number that is not finite, E0351 a dtype
        that is not taken, another device, or a mask of another shape.
        """
        self._native.add(_rows(x, "x", tokens))
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


class TargetGram:
    """What an asymmetric target reads of a layer: X, its inputs in the float model, and X~, those behind layers that are
    quantized already, for the same tokens. The codes q are to stand for w: |w X - q X~|^2 (T23).

        gram = hallmark.TargetGram(768)
        gram.add(x, behind)                  # [..., 768] each
        hallmark.quantize(W, gram, grid="int4", target="asymmetric")

    H = X~ X~^T, C = X X~^T and K = X X^T are summed as `Gram` does it, H to the bits of a `Gram` over X~.
    cols: columns of the weight, 1 or more.
    """

    def __init__(self, cols: int) -> None:
        self._native = _native.TargetGram(_columns(cols))

    def add(self, x: Any, behind: Any, tokens: Optional[Any] = None) -> "TargetGram":
        """Appends tokens and returns itself.

        x, behind: [..., cols], as `Gram.add` takes them, of one shape.  tokens: bool [...], which rows count; None: all.
        Errors as of `Gram.add`, and E0324 another number of tokens; nothing is added then.
        """
        self._native.add(_rows(x, "x", tokens), _rows(behind, "behind", tokens))
        return self

    @property
    def cols(self) -> int:
        return self._native.columns

    @property
    def tokens(self) -> int:
        """Tokens so far."""
        return self._native.tokens

    @property
    def matrices(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """H, C and K: float64 [cols, cols]; copies. H and K are symmetric to the last bit, C is not."""
        H, C, K = (np.empty((self.cols, self.cols), np.float64) for _ in range(3))
        self._native.write(H, C, K)
        return H, C, K

    def __repr__(self) -> str:
        return f"<hallmark.TargetGram of {self.cols} columns, {self.tokens} tokens>"
