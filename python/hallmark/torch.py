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

import contextlib
import json
import os
import pathlib
import re
import tempfile
import warnings
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

import numpy as np
import torch

from . import _native
from .errors import MismatchError
from .files import Model, Path, Progress, quantize_file, save_calibration, save_weights
from .gram import Gram


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


def _key(tensor: torch.Tensor) -> Tuple[Any, ...]:
    return tensor.data_ptr(), tensor.device, tensor.dtype, tuple(tensor.shape), tensor.stride()


def tensors_of(model: torch.nn.Module) -> Dict[str, torch.Tensor]:
    """What the model consists of by name; of tied tensors the first name."""
    found, seen = {}, set()
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, torch.Tensor) and (tensor.numel() == 0 or _key(tensor) not in seen):
            found[name] = tensor
            seen.add(_key(tensor))
    return found


def layers_of(model: torch.nn.Module) -> Iterator[Tuple[str, torch.nn.Module, bool]]:
    """Name of the weight, layer, and whether the weight is [in, out]: each Linear and each Conv1D of transformers."""
    names = {_key(tensor): name for name, tensor in tensors_of(model).items()}
    for layer in model.modules():
        turned = type(layer).__name__ == "Conv1D" and getattr(layer, "weight", None) is not None and layer.weight.ndim == 2
        if isinstance(layer, torch.nn.Linear) or turned:
            if _key(layer.weight) in names:
                yield names[_key(layer.weight)], layer, turned


def _refuse_meta() -> None:
    _native.refuse_array("the model has no numbers", "device meta", "load its weights first")


def tokens_of(x: torch.Tensor, mask: Optional[torch.Tensor]) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """The inputs of a layer, and which of them are tokens (None: all). A copy: what follows may work in place."""
    if x.is_meta:
        _refuse_meta()
    rows = x.detach().to("cpu", torch.float64 if x.dtype == torch.float64 else torch.float32, copy=True).numpy()
    if mask is None:
        return rows, None
    held = mask.detach().to("cpu").bool().numpy()
    if rows.shape[:-1] == held.shape:
        return rows, held
    if rows.ndim == 2 and rows.shape[0] == held.size:  # the batch, flattened
        return rows, held.reshape(-1)
    return rows, None  # tokens in another order, those of an expert for example


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


def call(model: torch.nn.Module, batch: Any, device: torch.device) -> Optional[torch.Tensor]:
    """Runs the model on a batch of any of the usual forms."""
    def there(x: Any) -> Any:
        return x.to(device) if isinstance(x, torch.Tensor) else x

    if hasattr(batch, "keys"):  # of a tokenizer
        return model(**{key: there(batch[key]) for key in batch.keys()})
    if isinstance(batch, (list, tuple)):
        return model(*map(there, batch))
    return model(there(batch))


def mask_of(batch: Any) -> Optional[torch.Tensor]:
    mask = batch["attention_mask"] if hasattr(batch, "keys") and "attention_mask" in batch.keys() else None
    return mask if isinstance(mask, torch.Tensor) and mask.ndim == 2 else None


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, was in training.items():
            module.training = was


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


def save_model(model: torch.nn.Module, place: pathlib.Path, overwrite: bool) -> None:
    """weights.safetensors of `quantize_model`."""
    tensors = tensors_of(model)
    if any(tensor.is_meta for tensor in tensors.values()):
        _refuse_meta()
    save_weights(place / "weights.safetensors", {name: tensor.cpu() for name, tensor in tensors.items()},
                 overwrite=overwrite)


def quantize_saved(place: pathlib.Path, turned: Set[str], overwrite: bool, progress: Optional[Progress],
                   options: Dict[str, Any]) -> Model:
    """The container of `quantize_model`, from the other two files."""
    with tempfile.TemporaryDirectory() as rules:
        config = None
        if turned:
            config = os.path.join(rules, "rules.json")
            pathlib.Path(config).write_text(json.dumps(
                {"rules": [{"match": f"^{re.escape(name)}$", "transposed": True} for name in sorted(turned)]}))
        return quantize_file(place / "weights.safetensors", place / "model.safetensors", place / "calibration.safetensors",
                             config=config, overwrite=overwrite, progress=progress, **options)


def load(model: torch.nn.Module, path: Path) -> torch.nn.Module:
    """Puts the numbers of a quantized model into a PyTorch model of the same names and shapes, and returns it.

    The numbers are the certified ones; where a parameter is float16 or bfloat16 they are rounded once, and a warning says
    how many changed. Nothing is changed unless everything fits. Errors: MismatchError E0711 a tensor that the model has
    not, or of another shape; those of `hallmark.open`.
    """
    opened, own = Model(path), model.state_dict()
    for name, (_, shape) in opened.tensors.items():
        if name not in own or tuple(own[name].shape) != shape:
            there = f"{tuple(own[name].shape)} in the model" if name in own else "not in the model"
            raise MismatchError(711, "the file is not of this model", f"tensor '{name}' {shape}, {there}",
                                "the architecture that was quantized")
    changed = 0
    with torch.no_grad():
        for name in opened.tensors:
            exact = torch.from_numpy(opened.tensor(name))
            own[name].copy_(exact)
            if exact.dtype == torch.float32 and own[name].dtype != torch.float32:
                changed += int((own[name].cpu().float() != exact).sum())
    if changed:
        warnings.warn(f"{changed} numbers were rounded to the dtype of the model: the certificate speaks of them before")
    return model


from .torch_blocks import quantize_blocks  # noqa: E402 -- it builds on the above
