"""A PyTorch model quantized block after block: `hallmark.torch.quantize_blocks`."""

from __future__ import annotations

import contextlib
import copy
import functools
import pathlib
import tempfile
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import torch

from . import _native
from .files import Model, Path, Progress
from .gram import Gram, TargetGram
from .layers import call, evaluating, layers_of, load, mask_of, quantize_saved, save_model, tokens_of
from .matrix import quantize



class _Arrived(Exception):
    """The forward pass came to what was looked for, and need not go on."""


class _Call(NamedTuple):
    """How a block is called, but for its hidden states, and which positions are tokens."""

    args: Tuple[Any, ...]
    kwargs: Dict[str, Any]
    mask: Optional[torch.Tensor]

    def run(self, block: torch.nn.Module, states: torch.Tensor) -> torch.Tensor:
        out = block(states.clone(), *self.args, **self.kwargs)  # which may work in place
        return out[0] if isinstance(out, (tuple, list)) else out


class _Layer(NamedTuple):
    name: str  # of the weight
    path: str  # in its block
    turned: bool  # the weight is [in, out]


def _blocks_of(model: torch.nn.Module, blocks: Union[str, Sequence[str]]) -> List[str]:
    known = dict(model.named_modules())
    names = [blocks] if isinstance(blocks, str) else list(blocks)
    if isinstance(blocks, str) and isinstance(known.get(blocks), (torch.nn.ModuleList, torch.nn.Sequential)):
        names = [f"{blocks}.{name}" for name, _ in known[blocks].named_children()]
    for name in names:
        if name not in known:
            _native.refuse_array("the model has no such block", f"'{name}'", "a name of model.named_modules()")
    return names


@contextlib.contextmanager
def _watched(module: torch.nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """The module is called by `forward` instead of its own."""
    own = module.__dict__.get("forward")  # else that of its class
    module.forward = forward
    try:
        yield
    finally:
        del module.forward
        if own is not None:
            module.forward = own


def _first_calls(model: torch.nn.Module, block: torch.nn.Module,
                 batches: Iterable[Any]) -> Tuple[List[_Call], List[torch.Tensor]]:
    """What the first block is handed, batch by batch."""
    calls, states = [], []
    seen: List[Tuple[Tuple[Any, ...], Dict[str, Any]]] = []

    def catch(*args: Any, **kwargs: Any) -> None:
        seen.append((args, kwargs))
        raise _Arrived

    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    with _watched(block, catch):
        for batch in batches:
            with contextlib.suppress(_Arrived):
                call(model, batch, device)
            if len(seen) != len(calls) + 1 or not seen[-1][0] or not isinstance(seen[-1][0][0], torch.Tensor):
                _native.refuse_array("a batch does not reach the first block with hidden states",
                                     f"batch {len(calls)}", "blocks whose first argument is a tensor of hidden states")
            args, kwargs = seen[-1]
            calls.append(_Call(args[1:], kwargs, mask_of(batch)))
            states.append(args[0].detach().clone())
    return calls, states


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one is other or (one.shape == other.shape and bool((one == other).all()))
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(map(_same, one, other))
    return one is other or bool(one == other)


def _check_chain(model: torch.nn.Module, names: List[str], batch: Any) -> None:
    """Each block is handed what the one before it returned, and beside that what the first is handed."""
    modules = dict(model.named_modules())
    seen: Dict[str, Tuple[Any, Any, Dict[str, Any]]] = {}
    forwards = {name: modules[name].forward for name in names}

    def watch(name: str, *args: Any, **kwargs: Any) -> Any:
        handed = args[0].detach().clone() if args and isinstance(args[0], torch.Tensor) else None
        out = forwards[name](*args, **kwargs)
        after = out[0] if isinstance(out, (tuple, list)) else out
        seen[name] = (handed, after.detach().clone(), {"": args[1:], **kwargs})
        return out

    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(_watched(modules[name], functools.partial(watch, name)))
        call(model, batch, next((p.device for p in model.parameters()), torch.device("cpu")))
    for name, later in zip(names, names[1:]):
        fits = name in seen and later in seen and seen[later][0] is not None
        if not fits or not _same(seen[name][1], seen[later][0]):
            _native.refuse_array("a block is not handed what the one before it returns", f"'{later}' behind '{name}'",
                                 "the blocks in the order of the forward pass")
        others, first = seen[later][2], seen[names[0]][2]
        for key in sorted(others.keys() | first.keys()):
            if key not in others or key not in first or not _same(others[key], first[key]):
                _native.refuse_array("a block has another argument than the first", f"'{later}', {key or 'by position'}",
                                     "blocks that are called alike; quantize the others apart")


def _inputs(block: torch.nn.Module, path: str, how: _Call, states: torch.Tensor) -> Optional[torch.Tensor]:
    """What a layer of the block is handed; None where the batch does not reach it."""
    seen: List[torch.Tensor] = []

    def see(_: Any, inputs: Tuple[torch.Tensor, ...]) -> None:
        seen.append(inputs[0])
        raise _Arrived

    hook = block.get_submodule(path).register_forward_pre_hook(see)
    try:
        with contextlib.suppress(_Arrived):
            how.run(block, states)
    finally:
        hook.remove()
    return seen[0] if seen else None


def _groups(block: torch.nn.Module, layers: List[_Layer], calls: List[_Call],
            states: List[torch.Tensor]) -> List[List[_Layer]]:
    """The layers that some batch reaches, in the order of the pass; those that are handed the very same tensor together."""
    found: List[Tuple[torch.Tensor, List[_Layer]]] = []

    def see(layer: _Layer, x: torch.Tensor) -> None:
        if not any(layer in group for _, group in found):
            if found and found[-1][0] is x:
                found[-1][1].append(layer)
            else:
                found.append((x, [layer]))

    hooks = [block.get_submodule(layer.path).register_forward_pre_hook(lambda _, x, layer=layer: see(layer, x[0]))
             for layer in layers]
    try:
        for how, x in zip(calls, states):
            how.run(block, x)
            if sum(len(group) for _, group in found) == len(layers):
                break
    finally:
        for hook in hooks:
            hook.remove()
    return [group for _, group in found]


class _Kept:
    """Gram matrices on disk, those of a block at a time in memory."""

    def __init__(self, folder: str) -> None:
        self._folder = pathlib.Path(folder)
        self._entries: List[Tuple[str, str, np.ndarray, int]] = []

    def add(self, names: List[str], gram: Union[Gram, TargetGram]) -> None:
        suffixes = (".gram", ".cross_gram", ".float_gram")
        matrices = gram.matrices if isinstance(gram, TargetGram) else (gram.matrix,)
        for suffix, matrix in zip(suffixes, matrices):
            file = self._folder / f"{len(self._entries)}.npy"
            np.save(file, matrix)
            held = np.load(file, mmap_mode="r")
            self._entries += [(name, suffix, held, gram.tokens) for name in names]

    def write(self, path: pathlib.Path, overwrite: bool) -> None:
        _native.write_calibration(str(path), self._entries, overwrite)


class _Originals:
    """The weights as they were, on disk, for a run that fails."""

    def __init__(self, folder: str) -> None:
        self._folder = pathlib.Path(folder)
        self._of: List[Tuple[torch.nn.Module, pathlib.Path]] = []

    def keep(self, layer: torch.nn.Module) -> None:
        file = self._folder / f"{len(self._of)}.pt"
        torch.save(layer.weight.detach().cpu(), file)
        self._of.append((layer, file))

    def restore(self) -> None:
        for layer, file in self._of:
            layer.weight.copy_(torch.load(file))


def _put(layer: torch.nn.Module, turned: bool, gram: Any, name: str, options: Dict[str, Any]) -> None:
    """The layer gets the numbers of its codes."""
    weight = layer.weight.detach()
    q = quantize((weight.t() if turned else weight).cpu(), gram, name=name, contracts="off", **options).dequantized
    layer.weight.copy_(torch.from_numpy(q.T if turned else q))


def _pass_block(block: torch.nn.Module, layers: List[_Layer], calls: List[_Call], states: List[torch.Tensor],
                behind: List[torch.Tensor], asymmetric: bool, options: Dict[str, Any], kept: _Kept,
                originals: _Originals) -> Iterator[str]:
    """Sums, and with an asymmetric target quantizes, a block; states and behind become those after it."""
    twin = copy.deepcopy(block) if asymmetric else block
    for group in _groups(block, layers, calls, behind):
        first, gram = group[0], None
        for how, x, moved in zip(calls, states, behind):
            seen = _inputs(twin, first.path, how, x)
            other = _inputs(block, first.path, how, moved) if asymmetric else None
            if asymmetric:
                places = tuple(x.shape[:-1])
                whole = (places, (int(np.prod(places)),))
                if any(of is None or tuple(of.shape[:-1]) not in whole for of in (seen, other)):
                    _native.refuse_array("a layer sees some of the tokens, not the same in both models for certain",
                                         first.name, 'target="plain"')
            if seen is None:
                continue
            rows, mask = tokens_of(seen, how.mask)
            if gram is None:
                gram = (TargetGram if asymmetric else Gram)(rows.shape[-1])
            if asymmetric:
                gram.add(rows, tokens_of(other, None)[0], mask)
            else:
                gram.add(rows, mask)
        kept.add([layer.name for layer in group], gram)
        for layer in group:
            if asymmetric:
                module = block.get_submodule(layer.path)
                originals.keep(module)
                _put(module, layer.turned, gram, layer.name, options)
            yield layer.name
    for k, how in enumerate(calls):
        after = how.run(twin, states[k])
        behind[k] = how.run(block, behind[k]) if asymmetric else after
        states[k] = after


def quantize_blocks(model: torch.nn.Module, blocks: Union[str, Sequence[str]], batches: Iterable[Any], folder: Path, *,
                    overwrite: bool = False, progress: Optional[Progress] = None, **options: Any) -> Model:
    """Quantizes the layers of blocks, one block after the other, with the Gram matrices of one block in memory, and
    writes the files of `quantize_model` into `folder`. The model gets the certified numbers (`load`).

    blocks: the name of a ModuleList ("model.layers"), or the names of its blocks in their order. A block's first argument
        are the hidden states, and so is what it returns, or the first of that; all blocks get the further arguments of
        the first. The first batch shows whether that is so. Layers outside of the blocks, and layers that no batch
        reaches, stay as they are.
    batches: as of `calibrate`. Hidden states of all of them are kept, twice with an asymmetric target.
    options: as of `quantize_file`, config apart. With target="asymmetric" the codes of a layer are for its inputs behind
        all layers that are quantized by then, those of its own block too (`TargetGram`); else for those of the model as it is.
    progress: of the sums (0 to 1/2) and of the file; called with the name of the weight.

    When it fails the model is as it was, and there is no container. Errors: those of `calibrate` and `quantize_file`;
    InputError E0351 no such block, blocks of another form, with an asymmetric target a layer that some tokens do not reach
    (an expert, whose tokens may be others in both models).
    """
    place = pathlib.Path(folder)
    names = _blocks_of(model, blocks)
    modules = dict(model.named_modules())
    paths = {id(module): name for name, module in modules.items()}
    known = [(name, paths[id(layer)], turned) for name, layer, turned in layers_of(model)]
    inside = {block: [_Layer(name, path[len(block) + 1:], turned) for name, path, turned in known
                      if path.startswith(block + ".")] for block in names}
    total = sum(map(len, inside.values()))
    if total == 0:
        _native.refuse_array("the blocks have no layers", ", ".join(names), "blocks that have nn.Linear or Conv1D in them")
    place.mkdir(parents=True, exist_ok=True)
    save_model(model, place, overwrite)
    turned = set()
    with tempfile.TemporaryDirectory(dir=place) as scratch, evaluating(model):
        kept, originals, done = _Kept(scratch), _Originals(scratch), 0
        try:
            batches = list(batches)
            if not batches:
                _native.refuse_array("there are no batches", "batches is empty", "some text of the model's kind")
            calls, states = _first_calls(model, modules[names[0]], batches)
            _check_chain(model, names, batches[0])
            behind = list(states)
            for block in names:
                for name in _pass_block(modules[block], inside[block], calls, states, behind,
                                        options.get("target") == "asymmetric", options, kept, originals):
                    turned |= {layer.name for layer in inside[block] if layer.turned and layer.name == name}
                    done += 1
                    if progress:
                        progress(done / total / 2, name)
            kept.write(place / "calibration.safetensors", overwrite)
            opened = quantize_saved(place, turned, overwrite,
                                    progress and (lambda share, name: progress((1 + share) / 2, name)), options)
            return _loaded(model, place, opened)
        except BaseException:
            originals.restore()
            raise


def _loaded(model: torch.nn.Module, place: pathlib.Path, opened: Model) -> Model:
    load(model, place / "model.safetensors")
    return opened
