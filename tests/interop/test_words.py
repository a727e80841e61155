"""The words of GPTQ and compressed-tensors, read by others and written by others."""
import importlib.util
import pathlib
import sysconfig

import numpy as np
import pytest
import torch
from conftest import hallmark
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from tried import tried

LAYERS = {"model.a.weight": (64, 96), "model.b.weight": (32, 64)}


@pytest.fixture
def weights(tmp_path):
    noise, path = np.random.default_rng(47), tmp_path / "w.safetensors"
    save_file({name: noise.standard_normal(shape, np.float32) for name, shape in LAYERS.items()}, path)
    return path


def gptq_numbers(file, layer, bits, stored_less):
    """A GPTQ layer by the layout of AutoGPTQ, on bits one by one; nothing of it is ours."""
    def unpacked(words, axis):  # element k has the bits b k .. b k + b - 1 of the stream along the axis
        words = np.moveaxis(words.view(np.uint32), axis, -1)
        stream = (words[..., None] >> np.arange(32, dtype=np.uint32) & 1).reshape(*words.shape[:-1], -1, bits)
        return np.moveaxis((stream.astype(int) << np.arange(bits)).sum(-1), -1, axis)

    codes, zeros = unpacked(file[layer + ".qweight"], 0), unpacked(file[layer + ".qzeros"], 1) + stored_less
    scales, group = file[layer + ".scales"].astype(np.float32), file[layer + ".g_idx"]
    return (scales[group] * (codes - zeros[group]).astype(np.float32)).T


@tried("gptq", "safetensors", "a reader of twenty lines of its own finds the certified numbers, bit for bit")
@tried("gptq-v2", "safetensors", "a reader of twenty lines of its own finds the certified numbers, bit for bit")
@pytest.mark.parametrize("form, stored_less", [("gptq", 1), ("gptq-v2", 0)])
@pytest.mark.parametrize("grid, bits, group", [("int2", 2, 32), ("int3", 3, 0), ("int4", 4, 32), ("int4s", 4, 16),
                                               ("int8", 8, 32), ("int3z", 3, 32), ("int4z", 4, 0)])
def test_gptq_words_are_the_certified_numbers(exported, weights, form, stored_less, grid, bits, group):
    model = exported(weights, form, "--method", "rtn", "--grid", grid, "--group-size", group, "--scale-storage", "f16")
    file = load_file(model.path)
    for name in LAYERS:
        found = gptq_numbers(file, name.removesuffix(".weight"), bits, stored_less)
        assert np.array_equal(found.view(np.uint32), model.numbers[name].view(np.uint32)), name


@pytest.fixture(scope="module")
def helpers():
    """The one file of compressed-tensors that packs words. The package as a whole asks for a torch of its own."""
    path = pathlib.Path(sysconfig.get_paths()["purelib"]) / "compressed_tensors/compressors/pack_quantized/helpers.py"
    spec = importlib.util.spec_from_file_location("helpers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GRIDS = [("int2", 2, 32), ("int3s", 3, 32), ("int4", 4, 32), ("int5", 5, 0), ("int6s", 6, 16), ("int7", 7, 32),
         ("int8", 8, 0), ("int4z", 4, 32), ("int5z", 5, 0)]


def ct_codes(helpers, file, layer, bits):
    """Codes [out, in] and zero points [out, groups], by their helper."""
    shape = torch.Size(file[layer + ".weight_shape"])
    codes = helpers.unpack_from_int32(torch.from_numpy(file[layer + ".weight_packed"]), bits, shape)
    scales, zeros = file[layer + ".weight_scale"], file.get(layer + ".weight_zero_point")
    if zeros is None:
        return codes, torch.zeros(scales.shape, dtype=torch.int8)
    return codes, helpers.unpack_from_int32(torch.from_numpy(zeros), bits, torch.Size(scales.shape), packed_dim=0)


@tried("compressed-tensors", "compressed-tensors",
       "its own `unpack_from_int32` gives codes whose numbers are those certified, bit for bit")
@pytest.mark.parametrize("grid, bits, group", GRIDS)
def test_their_helper_unpacks_ours(exported, weights, helpers, grid, bits, group):
    model = exported(weights, "compressed-tensors", "--method", "rtn", "--grid", grid, "--group-size", group,
                     "--scale-storage", "f16")
    file = load_file(model.path)
    for name in LAYERS:
        layer = name.removesuffix(".weight")
        codes, zeros = ct_codes(helpers, file, layer, bits)
        scales = file[layer + ".weight_scale"].astype(np.float32)
        wide = codes.shape[1] // scales.shape[1]
        found = np.repeat(scales, wide, 1) * (codes.numpy().astype(np.float32) - np.repeat(zeros.numpy(), wide, 1))
        assert np.array_equal(found.view(np.uint32), model.numbers[name].view(np.uint32)), name


@tried("compressed-tensors", "compressed-tensors",
       "we read a file of the words of its own `pack_to_int32`, and it verifies")
@pytest.mark.parametrize("grid, bits, group", GRIDS)
def test_we_read_words_of_their_helper(exported, weights, helpers, tmp_path, grid, bits, group):
    model = exported(weights, "compressed-tensors", "--method", "rtn", "--grid", grid, "--group-size", group,
                     "--scale-storage", "f16")
    file = load_file(model.path)
    for layer in (name.removesuffix(".weight") for name in LAYERS):
        codes, zeros = ct_codes(helpers, file, layer, bits)
        file[layer + ".weight_packed"] = helpers.pack_to_int32(codes, bits).numpy()
        if layer + ".weight_zero_point" in file:
            file[layer + ".weight_zero_point"] = helpers.pack_to_int32(zeros, bits, packed_dim=0).numpy()
    with safe_open(model.path, "numpy") as ours:
        save_file(file, tmp_path / "theirs", ours.metadata())
    hallmark("verify", tmp_path / "theirs", "--certificate", tmp_path / "q.certificate.json", "--weights", weights)
    hallmark("dequantize", tmp_path / "theirs", "--output", tmp_path / "again", "--quiet")
    again = load_file(tmp_path / "again")
    assert all(np.array_equal(again[name].view(np.uint32), model.numbers[name].view(np.uint32)) for name in LAYERS)
