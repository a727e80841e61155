"""What calibrating and quantizing a PyTorch model have in common: its layers by the names of their weights, the batches that
it is called with, and the files of a quantized model."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import tempfile
import warnings
from typing import Any, Dict, Iterator, Optional, Set, Tuple

import numpy as np
import torch

from . import _native
from .errors import MismatchError
from .files import Model, Path, Progress, quantize_file, save_weights


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
