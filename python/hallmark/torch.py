"""PyTorch models: calibrated, quantized and loaded by the names of their weights. Needs torch, which the package does not
ask for.

    import hallmark.torch
    calibration = hallmark.torch.calibrate(model, batches)
    hallmark.torch.quantize_model(model, calibration, "quantized", bits=4)
    hallmark.torch.load(model, "quantized/model.safetensors")

or block after block, with the Gram matrices of one in memory:

    hallmark.torch.quantize_blocks(model, "layers", batches, "quantized", bits=4, target="asymmetric")
"""

from __future__ import annotations

import pathlib
import re
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

import torch

from .blocks import quantize_blocks
from .files import Model, Path, Progress, save_calibration
from .gram import Gram
from .layers import call, evaluating, layers_of, load, mask_of, quantize_saved, save_model, tensors_of, tokens_of

__all__ = ["Calibration", "calibrate", "load", "quantize_blocks", "quantize_model"]


class Calibration(Dict[str, Gram]):
    """Gram matrices by the names of the weights.

    transposed: names of weights that are stored [in, out] (Conv1D).
    unseen: names of layers that no token reached, or whose forward was not called: they have no Gram matrix.
    """

    def __init__(self) -> None:
        super().__init__()
        self.transposed: Set[str] = set()
        self.unseen: Set[str] = set()

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """As `hallmark.save_calibration`."""
        save_calibration(path, self, overwrite=overwrite)


class _Sums:
    """Sums the inputs of layers. Layers that are handed the very same tensor one after the other, as the projections of
    an attention are, have one sum as long as they are handed the same."""

    def __init__(self) -> None:
        self.of: Dict[str, Gram] = {}
        self.mask: Optional[torch.Tensor] = None  # of the batch: which positions are tokens
        self._waiting: Optional[Tuple[torch.Tensor, int, Any, List[str]]] = None

    def see(self, name: str, x: torch.Tensor) -> None:
        version = 0 if x.is_inference() else x._version
        if self._waiting and self._waiting[0] is x and self._waiting[1] == version and name not in self._waiting[3]:
            self._waiting[3].append(name)
            return
        self.settle()
        self._waiting = (x, version, tokens_of(x, self.mask), [name])

    def settle(self) -> None:
        """Adds what waits."""
        if self._waiting is None:
            return
        (_, _, (rows, mask), names), self._waiting = self._waiting, None
        for gram in self._sums_of(names, rows.shape[-1]):
            gram.add(rows, mask)

    def _sums_of(self, names: List[str], cols: int) -> List[Gram]:
        """One sum for all of `names`, unless they were handed different tensors before. A sum that others share too is
        parted here, before this tensor is added to it."""
        fresh: Optional[Gram] = None
        parted: Dict[int, Gram] = {}
        sums: List[Gram] = []
        for name in names:
            gram = self.of.get(name)
            if gram is None:
                fresh = fresh or Gram(cols)
                self.of[name] = fresh
            elif any(other is gram and who not in names for who, other in self.of.items()):
                self.of[name] = parted.setdefault(id(gram), gram.copy())
            if not any(self.of[name] is known for known in sums):
                sums.append(self.of[name])
        return sums


def calibrate(model: torch.nn.Module, batches: Iterable[Any], *, include: str = "",
              progress: Optional[Any] = None) -> Calibration:
    """Gram matrices of the inputs of every nn.Linear, and every Conv1D of transformers, under the names of their weights.

    batches: what the model is called with, one after the other: a dict (of a tokenizer: `model(**batch)`), a tuple, or a
        tensor. They are moved to the device of the model. Where a dict has an `attention_mask` [batch, length],
        positions of mask 0 are padding, and no tokens.
    include: a regular expression on the names of the weights; "" takes all.
    progress: called with the number of batches done.

    Sums are those of `Gram`: the bits depend on the inputs alone, and a layer has 8 cols^2 bytes, which layers that are
    handed the very same tensor share. A layer counts the tokens that reach it: an expert those that were routed to it.
    Layers that nothing reached are in `.unseen`. The model is evaluated without gradients and left as it was.

    Errors: InputError E0325 an input that is not finite, E0351 float64 inputs that float32 does not hold, a model without
    numbers; whatever the model raises.
    """
    sums, calibration, hooks = _Sums(), Calibration(), []
    for name, layer, turned in layers_of(model):
        if not re.search(include, name):
            continue
        calibration.unseen.add(name)
        if turned:
            calibration.transposed.add(name)
        hooks.append(layer.register_forward_pre_hook(lambda _, inputs, name=name: sums.see(name, inputs[0])))
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        with evaluating(model):
            for done, batch in enumerate(batches):
                sums.mask = mask_of(batch)
                call(model, batch, device)
                sums.settle()
                if progress:
                    progress(done + 1)
    finally:
        for hook in hooks:
            hook.remove()
    for name in sorted(calibration.unseen & sums.of.keys()):
        if sums.of[name].tokens:
            calibration[name] = sums.of[name]
            calibration.unseen.discard(name)
    return calibration


def quantize_model(model: torch.nn.Module, calibration: Calibration, folder: Path, *, overwrite: bool = False,
                   progress: Optional[Progress] = None, **options: Any) -> Model:
    """Quantizes the weights that `calibration` knows, and writes into `folder`, which is made where there is none:

        weights.safetensors         W: the model as it is, of tied tensors the first
        calibration.safetensors     C
        model.safetensors           codes, steps and all other tensors: what `load`, `export` and `verify` read
        model.certificate.json      what is promised of it

    Whoever verifies needs W and C too. The model is not changed. Returns the container, opened.
    options: as of `hallmark.quantize_file`, config apart. Errors: those of `quantize_file`; E0436 a name of the
    calibration that the model has not.
    """
    place = pathlib.Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    save_model(model, place, overwrite)
    calibration.save(place / "calibration.safetensors", overwrite=overwrite)
    turned = calibration.transposed & calibration.keys() & tensors_of(model).keys()
    return quantize_saved(place, turned, overwrite, progress, options)
