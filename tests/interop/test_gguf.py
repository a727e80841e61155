"""Every block of a GGUF file, decoded by the package of ggml's authors, is the numbers of the certificate."""
import gguf
import numpy as np
import pytest
from conftest import ROOT
from tried import tried

CHECKPOINT = ROOT / "models" / "seed-47.safetensors"


def tensors_of(path):
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


@tried("gguf", "gguf", "Q4_0, Q6_K and Q8_0 of a checkpoint of `models/` decode to the certified numbers, bit for bit")
@pytest.mark.parametrize("block, flags", [
    ("Q4_0", ["--preset", "q4_0"]),
    ("Q8_0", ["--preset", "q8_0"]),
    ("Q6_K", ["--preset", "q6_k", "--group-size", "0"]),
    ("Q4_0", ["--grid", "int3s", "--group-size", "64", "--scale-storage", "f16"]),  # a scale in two blocks
    ("Q8_0", ["--grid", "int6", "--scale-storage", "f16"]),  # in every block of a row
])
def test_blocks_decode_to_the_certified_numbers(exported, block, flags):
    model = exported(CHECKPOINT, "gguf", "--method", "rtn", *flags)
    found = tensors_of(model.path)
    assert list(found) and found.keys() == model.numbers.keys()
    blocks = 0
    for name, numbers in model.numbers.items():
        tensor = found[name]
        decoded = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(numbers.shape)
        assert decoded.dtype == numbers.dtype == np.float32
        assert np.array_equal(decoded.view(np.uint32), numbers.view(np.uint32)), name
        blocks += tensor.tensor_type.name == block
    assert blocks > 2
