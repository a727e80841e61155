"""Proof-carrying weight quantization: GF16 and narrower grids, GPTQ with a guard, certificates.

    import hallmark
    gram = hallmark.Gram(W.shape[1]).add(inputs)               # [..., cols]
    q = hallmark.quantize(W, gram, grid="int4", method="best")
    q.codes, q.scales, q.dequantized, q.certificate.loss

The arithmetic is that of the program `hallmark`: equal inputs give equal bytes.
"""

from typing import Dict, NamedTuple

from . import _native
from .errors import (ContractError, Error, ExhaustedError, FileError, InfeasibleError, InputError, InternalError,
                     MismatchError, NumericError, UnavailableError, UsageError)
from .files import (Model, Verification, export, formats, open, quantize_file, save_calibration, save_weights,
                    verify)
from .gram import Gram, TargetGram
from .matrix import Certificate, QuantizedMatrix, quantize
from .numbers import Grid, decode, encode

__version__ = _native.__version__


class Option(NamedTuple):
    """An option of a quantization: help, and its default as a word."""

    help: str
    default: str


def options() -> Dict[str, Option]:
    """The options of `quantize` by name, in the order of files: the table that the command line has."""
    return {name: Option(help, default) for name, help, default in _native.options()}
