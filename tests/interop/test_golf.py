"""parameter-golf's artifacts, and checkpoints, by PyTorch itself."""
import io
import lzma
import zlib

import numpy as np
import pytest
import torch
from conftest import hallmark
from safetensors.numpy import load_file, save_file
from tried import tried

LAYERS = {"blocks.0.attn.c_q.weight": (64, 96), "blocks.0.mlp.fc.weight": (32, 64)}


@pytest.fixture
def weights(tmp_path):
    noise, path = np.random.default_rng(47), tmp_path / "w.safetensors"
    tensors = {name: noise.standard_normal(shape, np.float32) for name, shape in LAYERS.items()}
    save_file({**tensors, "skip_weights": noise.standard_normal((2, 64), np.float32)}, path)
    return path


def int8_state(path):
    """The int8 layout, on torch tensors; nothing of it is ours."""
    held = torch.load(io.BytesIO(zlib.decompress(path.read_bytes())), map_location="cpu")
    assert held["__quant_format__"] == "int8_clean_per_row_v1"
    state = {name: tensor.float() for name, tensor in held["passthrough"].items()}
    for name, q in held["quantized"].items():
        assert held["qmeta"][name] == {"scheme": "per_row", "axis": 0}
        dtype = getattr(torch, held["dtypes"][name])
        state[name] = (q.float() * held["scales"][name].float().view(q.shape[0], 1)).to(dtype)
    return state


def int6_state(path):
    """The int6 layout in xz; the dtype is that of the float model, here float32."""
    held = torch.load(io.BytesIO(lzma.decompress(path.read_bytes())), map_location="cpu")
    state = {}
    for name, kind in held["m"].items():
        if kind == "passthrough":
            state[name] = held["w"][name]
        else:
            assert kind["type"] in ("int6", "int8")
            q, scale = held["w"][name + ".q"], held["w"][name + ".scale"]
            state[name] = q.float() * scale.float().view(q.shape[0], 1)
    return state


@tried("golf-int8", "torch", "`torch.load` and a decoder of ten lines find the certified numbers, bit for bit")
@tried("golf-int6-xz", "torch", "`torch.load` and a decoder of ten lines find the certified numbers, bit for bit")
@pytest.mark.parametrize("form, state_of", [("golf-int8", int8_state), ("golf-int6-xz", int6_state)])
@pytest.mark.parametrize("grid", ["int4", "int6", "int6s", "int8"])
def test_artifacts_are_the_certified_numbers(exported, weights, form, state_of, grid):
    model = exported(weights, form, "--method", "rtn", "--grid", grid, "--scale-storage", "f16", "--include", "blocks")
    state = state_of(model.path)
    assert set(state) == set(model.numbers)
    for name, tensor in state.items():
        assert np.array_equal(tensor.numpy().view(np.uint32), model.numbers[name].view(np.uint32)), name


def test_a_state_dict_is_imported_byte_for_byte(tmp_path):
    layer = torch.nn.TransformerEncoderLayer(32, 2, 64)
    torch.save(layer.state_dict(), tmp_path / "m.pt")
    hallmark("import", tmp_path / "m.pt", "--output", tmp_path / "m.safetensors")
    imported = load_file(tmp_path / "m.safetensors")
    assert list(imported) and set(imported) == set(layer.state_dict())
    for name, tensor in layer.state_dict().items():
        assert np.array_equal(imported[name].view(np.uint32), tensor.numpy().view(np.uint32)), name
