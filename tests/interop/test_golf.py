"""parameter-golf's artifacts, and checkpoints, by PyTorch itself."""
import io
import lzma
import zlib

import numpy as np
import pytest
import torch
from conftest import hallmark
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_torch
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
    state = torch.nn.TransformerEncoderLayer(32, 2, 64).state_dict()
    state["transposed"] = state["linear1.weight"].t()
    state["turned"] = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4).permute(2, 0, 1)[1:, :, ::2]
    assert not state["transposed"].is_contiguous() and not state["turned"].is_contiguous()
    torch.save(state, tmp_path / "m.pt")
    hallmark("import", tmp_path / "m.pt", "--output", tmp_path / "m.safetensors")
    imported = load_file(tmp_path / "m.safetensors")
    assert list(imported) and set(imported) == set(state)
    for name, tensor in state.items():
        assert np.array_equal(imported[name].view(np.uint32), tensor.numpy().view(np.uint32)), name


def read_mixed(held, template):
    """What the competition's reader makes of w and m, on torch tensors, for a model of these dtypes."""
    state = {}
    for name, dtype in template.items():
        kind = held["m"][name]
        if isinstance(kind, str) and "passthrough" in kind:
            tensor = held["w"][name]
            state[name] = tensor.to(dtype) if tensor.dtype == torch.float16 else tensor
        else:
            q, scale = held["w"][name + ".q"].float(), held["w"][name + ".scale"]
            rows = scale.float().view(q.shape[0], *([1] * (q.ndim - 1))) if scale.ndim else float(scale.item())
            state[name] = (q * rows).to(dtype)
    return state


def read_sections(held):
    state = {}
    for name, q in held["quantized"].items():
        scale, dtype = held["scales"][name], getattr(torch, held["dtypes"][name])
        if held["qmeta"].get(name, {}).get("scheme") == "per_row" or scale.ndim > 0:
            state[name] = (q.float() * scale.float().view(q.shape[0], *([1] * (q.ndim - 1)))).to(dtype)
        else:
            state[name] = (q.float() * float(scale.item())).to(dtype)
    for name, tensor in held["passthrough"].items():
        stored = held["passthrough_orig_dtypes"].get(name)
        state[name] = tensor.to(getattr(torch, stored)) if stored else tensor
    return state


def same_tensors(path, state):
    imported = load_torch(path)
    assert list(imported) and set(imported) == set(state)
    for name, tensor in state.items():
        assert imported[name].dtype == tensor.dtype and torch.equal(imported[name], tensor), name


def torch_codes(rows, *rest):
    return torch.randint(-127, 128, (rows, *rest), dtype=torch.int8, generator=torch.Generator().manual_seed(rows))


def test_artifacts_of_the_scripts_are_imported_as_torch_computes_them(tmp_path):
    noise = torch.Generator().manual_seed(47)

    def half(*shape):
        return torch.rand(shape, generator=noise).half()

    held = {"__quant_format__": "int8_clean_per_row_v1",
            "quantized": {"fc.weight": torch_codes(48, 33), "tok_emb.weight": torch_codes(64, 16), "wide": torch_codes(7, 3, 5)},
            "scales": {"fc.weight": half(48) / 127, "tok_emb.weight": half(64) / 127, "wide": torch.tensor(0.3)},
            "dtypes": {"fc.weight": "float32", "tok_emb.weight": "bfloat16", "wide": "float16"},
            "passthrough": {"gain": half(9), "old": half(5), "skip_weights": torch.rand(3, 4, generator=noise),
                            "steps": torch.arange(3)},
            "qmeta": {name: {"scheme": "per_row", "axis": 0} for name in ("fc.weight", "tok_emb.weight")},
            "passthrough_orig_dtypes": {"gain": "bfloat16", "old": "float32"}}
    packed = io.BytesIO()
    torch.save(held, packed)
    (tmp_path / "m.ptz").write_bytes(zlib.compress(packed.getvalue(), 9))
    hallmark("import", tmp_path / "m.ptz", "--output", tmp_path / "m.safetensors")
    same_tensors(tmp_path / "m.safetensors", read_sections(held))

    pair = {"w": {"a.q": torch_codes(31, 17), "a.scale": half(31), "b.q": torch_codes(8), "b.scale": torch.tensor(0.25),
                  "c": half(4), "d": torch.rand(2, 2, generator=noise)},
            "m": {"a": {"type": "int6"}, "b": {"type": "int8"}, "c": "passthrough", "d": "passthrough_ctrl"}}
    packed = io.BytesIO()
    torch.save(pair, packed)
    (tmp_path / "p.ptz").write_bytes(lzma.compress(packed.getvalue(), preset=9))
    hallmark("import", tmp_path / "p.ptz", "--output", tmp_path / "p.safetensors")
    # The dict names no dtype: codes are read as float32, the rest as it is stored.
    same_tensors(tmp_path / "p.safetensors",
                 read_mixed(pair, {"a": torch.float32, "b": torch.float32, "c": torch.float16, "d": torch.float32}))
