import numpy as np
import pytest

import hallmark
from conftest import read_safetensors, write_safetensors


def test_equals_the_tool_and_does_not_depend_on_the_batches(layer, tool, tmp_path):
    _, X = layer
    write_safetensors(tmp_path / "x.safetensors", {"w.activations": X})
    tool("gram", "--activations", tmp_path / "x.safetensors", "--output", tmp_path / "c.safetensors")
    expected = read_safetensors(tmp_path / "c.safetensors")["w.gram"]
    for pieces in (1, 3, 200):
        gram = hallmark.Gram(40)
        for piece in np.array_split(X, pieces):
            gram.add(piece)
        assert gram.tokens == 200 and gram.cols == 40
        assert gram.matrix.tobytes() == expected.tobytes()


def test_layouts_and_types(layer):
    X = layer[1].astype(np.float16).astype(np.float32)
    expected = hallmark.Gram(40).add(X).matrix
    for same in (np.asfortranarray(X), X.astype(np.float16), X.astype(np.float64), X.astype(">f4"),
                 X.reshape(4, 50, 40), np.repeat(X, 2, 1)[:, ::2], X.tolist()):
        assert (hallmark.Gram(40).add(same).matrix == expected).all()
    read_only = X.copy()
    read_only.flags.writeable = False
    assert (hallmark.Gram(40).add(read_only).matrix == expected).all()


def test_what_speaks_dlpack(layer):
    class Box:
        def __init__(self, device):
            self.device_type = device

        def __dlpack_device__(self):
            return self.device_type, 0

        def __dlpack__(self, stream=None):
            return layer[1].__dlpack__()

    expected = hallmark.Gram(40).add(layer[1]).matrix
    assert (hallmark.Gram(40).add(Box(1)).matrix == expected).all()
    with pytest.raises(hallmark.InputError, match="another device") as raised:
        hallmark.Gram(40).add(Box(2))
    assert raised.value.number == 351


def test_padding_is_no_token(layer):
    X = layer[1].reshape(4, 50, 40).copy()
    mask = np.arange(50)[None, :] < np.array([50, 10, 0, 33])[:, None]
    gram = hallmark.Gram(40).add(X, mask)
    assert gram.tokens == 93
    assert (gram.matrix == hallmark.Gram(40).add(X[mask]).matrix).all()
    with pytest.raises(hallmark.InputError, match="mask"):
        hallmark.Gram(40).add(X, mask[:, :49])


def test_refusals_leave_the_sums_alone(layer):
    gram = hallmark.Gram(40).add(layer[1])
    before = gram.matrix
    bad = layer[1].copy()
    bad[3, 5] = np.nan
    for wrong, number in [(bad, 325), (layer[1][:, :39], 324), (np.full((2, 40), 0.1), 351), (np.ones((2, 40), int), 351),
                          (np.float32(1), 351), (np.zeros((2, 40), complex), 351), (np.full((1, 40), 1e300), 351),
                          (np.full((1, 40), np.inf), 325)]:
        with pytest.raises(hallmark.InputError) as raised:
            gram.add(wrong)
        assert raised.value.number == number, str(raised.value)
    assert gram.tokens == 200 and (gram.matrix == before).all()
    for cols in (0, -1, 1.5, "3", True):
        with pytest.raises(hallmark.InputError):
            hallmark.Gram(cols)


def test_both_inputs_are_summed_as_the_tool_does(layer, tool, tmp_path):
    _, X = layer
    behind = (X + 0.1 * np.roll(X, 1, 1)).astype(np.float32)
    write_safetensors(tmp_path / "x.safetensors", {"w.activations": X})
    write_safetensors(tmp_path / "y.safetensors", {"w.activations": behind})
    tool("gram", "--activations", tmp_path / "x.safetensors", "--behind", tmp_path / "y.safetensors",
         "--output", tmp_path / "c.safetensors")
    expected = read_safetensors(tmp_path / "c.safetensors")
    gram = hallmark.TargetGram(40)
    for x, y in zip(np.array_split(X, 3), np.array_split(behind, 3)):
        assert gram.add(x, y) is gram
    assert gram.tokens == 200 and gram.cols == 40 and "200 tokens" in repr(gram)
    for matrix, suffix in zip(gram.matrices, ("gram", "cross_gram", "float_gram")):
        assert matrix.tobytes() == expected[f"w.{suffix}"].tobytes(), suffix
    assert (gram.matrices[0] == hallmark.Gram(40).add(behind).matrix).all()
    hallmark.save_calibration(tmp_path / "again.safetensors", {"w": gram})
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "c.safetensors").read_bytes()
    mask = np.arange(200) % 3 > 0
    assert hallmark.TargetGram(40).add(X, behind, mask).tokens == mask.sum()
    with pytest.raises(hallmark.InputError, match="E0324"):
        gram.add(X, behind[:-1])
    with pytest.raises(hallmark.InputError, match="behind"):
        gram.add(X, behind.astype(np.complex64))
    assert gram.tokens == 200
