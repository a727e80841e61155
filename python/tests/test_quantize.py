"""Codes, steps and certificate in memory are those of the tool, byte for byte."""
import json
import threading
import time

import numpy as np
import pytest

import hallmark
from conftest import read_safetensors, write_safetensors

SETTINGS = [dict(grid="int4"), dict(grid="gf16"), dict(grid="int4z", group_size=8), dict(bits=3),
            dict(grid="lloyd:2", method="best", rotation="hadamard:16", rotation_seed=5, bounds=True),
            dict(grid="int8", method="descent", damp_fraction=0.02, scale_storage="f16"), dict(preset="q4_0"),
            dict(grid="int4", guard=False, desc_act=True), dict(grid="nf4", bounds=True, exact=True, optimality=True)]
FLAGS = {"bounds", "exact", "optimality"}


def command(settings):
    words = []
    for name, value in settings.items():
        flag = "--no-guard" if name == "guard" else "--" + name.replace("_", "-")
        words += [flag] if value in (True, False) else [flag, value]
    return words


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: ",".join(f"{k}={v}" for k, v in s.items()))
def test_bytes_are_those_of_the_tool(settings, layer, tool, tmp_path):
    W, X = layer
    gram = hallmark.Gram(40).add(X)
    write_safetensors(tmp_path / "w.safetensors", {"w": W})
    write_safetensors(tmp_path / "c.safetensors", {"w.gram": gram.matrix},
                      {"hallmark.calibration.tokens": json.dumps({"w": 200})})
    tool("quantize", "--weights", tmp_path / "w.safetensors", "--calibration", tmp_path / "c.safetensors", "--output",
         tmp_path / "q.safetensors", *command(settings))
    tool("dequantize", tmp_path / "q.safetensors", "--output", tmp_path / "d.safetensors")
    before = W.copy(), gram.matrix
    q = hallmark.quantize(W, gram, name="w", **settings)
    assert (W == before[0]).all() and (gram.matrix == before[1]).all()
    assert q.dequantized.tobytes() == read_safetensors(tmp_path / "d.safetensors")["w"].tobytes()
    lines = (tmp_path / "q.certificate.json").read_text().split("\n")
    assert q.certificate.text == "\n".join(lines[1:-2])
    assert q.options == json.loads("\n".join(lines))["tensors"][0]["options"]
    for threads in (1, 3):
        assert hallmark.quantize(W, gram, name="w", threads=threads, **settings).certificate.text == q.certificate.text


def test_without_calibration(layer, tool, tmp_path):
    write_safetensors(tmp_path / "w.safetensors", {"w": layer[0]})
    tool("quantize", "--weights", tmp_path / "w.safetensors", "--output", tmp_path / "q.safetensors", "--method", "rtn",
         "--grid", "int4")
    q = hallmark.quantize(layer[0], name="w", method="rtn", grid=hallmark.Grid("int4"))
    assert q.certificate.text == "\n".join((tmp_path / "q.certificate.json").read_text().split("\n")[1:-2])
    assert q.certificate.loss.shape == (0, 2) and q.certificate.bound is None


def test_what_a_result_says(layer):
    W, X = layer
    gram = hallmark.Gram(40).add(X)
    q = hallmark.quantize(W, gram, grid="int4", bounds=True)
    assert q.codes.dtype == np.int8 and q.codes.shape == W.shape and q.codes.min() >= -8 and q.codes.max() <= 7
    assert q.scales.shape == (24, 1) and q.zero_points is None and q.rotated is None
    assert (q.dequantized == q.codes * q.scales).all()
    e = (W - q.dequantized).astype(np.float64)
    loss = np.einsum("ij,jk,ik->i", e, gram.matrix, e)
    certificate = q.certificate
    assert (certificate.loss[:, 0] <= loss * (1 + 1e-9)).all() and (loss <= certificate.loss[:, 1] * (1 + 1e-9)).all()
    assert (certificate.loss[:, 1] <= certificate.bound[:, 1]).all()
    assert (loss <= certificate.loss_rtn[:, 1] * (1 + 1e-9)).all() and certificate.kept_rtn.shape == (24,)
    z = hallmark.quantize(W, gram, grid="int4z", group_size=8)
    assert z.codes.dtype == np.uint8 and z.scales.shape == z.zero_points.shape == (24, 5)
    s, p = (np.repeat(a, 8, 1) for a in (z.scales, z.zero_points))
    assert (z.dequantized == s * (z.codes.astype(np.int32) - p)).all()
    assert hallmark.quantize(W, gram, grid="gf16").codes.dtype == np.uint16
    assert hallmark.quantize(W, gram, grid="int2", rotation="hadamard:16").rotated.shape == (24,)
    assert q.low_rank is None
    corrected = hallmark.quantize(W, gram, grid="int2", low_rank=3)
    a, b = corrected.low_rank
    assert a.shape == (24, 3) and b.shape == (3, 40) and a.any()
    assert np.allclose(corrected.dequantized, corrected.codes * corrected.scales + a @ b, atol=1e-5)


def test_layouts_and_types_of_weights(layer):
    gram = hallmark.Gram(40).add(layer[1])
    W = layer[0].astype(np.float16)
    expected = hallmark.quantize(W.astype(np.float32), gram, grid="int4").certificate.text
    for same in (W, np.asfortranarray(W), np.repeat(W, 2, 0)[::2], W.astype(">f4")):
        assert hallmark.quantize(same, gram, grid="int4").certificate.text == expected
    by_matrix = hallmark.quantize(W, gram.matrix, grid="int4").certificate.json
    assert by_matrix["tokens"] == 0 and by_matrix["sha256"] == json.loads(expected)["sha256"]


def test_refusals(layer):
    W, X = layer
    gram = hallmark.Gram(40).add(X)
    bad, skew, negative = W.copy(), gram.matrix, gram.matrix
    bad[2, 3] = np.inf
    skew[0, 1] += 1
    negative[4, 4] = -1
    for arguments, options, number in [
            ((W,), {}, 214), ((W,), dict(method="rtn", scale_rule="diag", grid="int4"), 214), ((bad, gram), {}, 350),
            ((W.astype(np.float64), gram), {}, 351), ((W.astype(int), gram), {}, 351), ((W[0], gram), {}, 351),
            ((W[:0], gram), {}, 420), ((W[:, :39], gram), {}, 415), ((W, gram.matrix[:39]), {}, 351),
            ((W, gram.matrix[:39, :39]), {}, 415), ((W, skew), {}, 322), ((W, negative), {}, 323),
            ((W, gram.matrix * np.nan), {}, 322), ((W, hallmark.Gram(40)), {}, 385), ((W, gram), dict(grid="int5x"), 220),
            ((W, gram), dict(gird="int4"), 229), ((W, gram), dict(method="gptqq"), 224),
            ((W, gram), dict(group_size=41), 434), ((W, gram), dict(group_size=-1), 227),
            ((W, gram), dict(damp_fraction="x"), 227), ((W, gram), dict(grid="gf16", rotation="hadamard:16"), 232),
            ((W, gram), dict(effort=3), 230), ((W, gram), dict(bits=4, preset="q4_0"), 230), ((W, gram), dict(bits=9), 227),
            ((W, gram), dict(contracts="maybe"), 228), ((W, gram), dict(threads=-1), 227),
            ((W, gram), dict(grid="int4", target="asymmetric"), 431)]:
        with pytest.raises(hallmark.Error) as raised:
            hallmark.quantize(*arguments, **options)
        error = raised.value
        assert error.number == number and error.what and error.hint, (options, str(error))
    with pytest.raises(hallmark.UsageError, match="did you mean 'grid'"):
        hallmark.quantize(W, gram, gird="int4")


def test_the_options_are_those_of_the_tool(tool):
    page = tool("quantize", "--help")
    table = hallmark.options()
    assert list(table)[:2] == ["grid", "method"] and len(table) > 10
    for name, option in table.items():
        assert ("--no-guard" if name == "guard" else "--" + name.replace("_", "-")) in page, name
        assert option.help


def test_other_threads_run_meanwhile():
    random = np.random.default_rng(1)
    W = random.standard_normal((512, 512)).astype(np.float32)
    gram = hallmark.Gram(512).add(random.standard_normal((1024, 512)).astype(np.float32))
    took = []

    def work():
        start = time.perf_counter()
        hallmark.quantize(W, gram, grid="int4", method="descent", threads=1)
        took.append(time.perf_counter() - start)

    thread, ticks = threading.Thread(target=work), 0
    thread.start()
    while not took:
        time.sleep(0.001)
        ticks += 1
    thread.join()
    assert ticks > 10, (ticks, took)  # with the lock held all the while there is one, or two


def test_an_asymmetric_target_is_that_of_the_tool(layer, tool, tmp_path):
    W, X = layer
    behind = (X + 0.2 * np.roll(X, 1, 1)).astype(np.float32)
    gram = hallmark.TargetGram(40).add(X, behind)
    write_safetensors(tmp_path / "w.safetensors", {"w": W})
    hallmark.save_calibration(tmp_path / "c.safetensors", {"w": gram})
    tool("quantize", "--weights", tmp_path / "w.safetensors", "--calibration", tmp_path / "c.safetensors", "--grid", "int4",
         "--target", "asymmetric", "-o", tmp_path / "q.safetensors")
    expected = hallmark.open(tmp_path / "q.safetensors").matrix("w")
    q = hallmark.quantize(W, gram, name="w", grid="int4", target="asymmetric")
    assert (q.codes == expected.codes).all() and (q.scales == expected.scales).all()
    assert q.certificate.text in (tmp_path / "q.certificate.json").read_text()
    H, C, K = gram.matrices
    w, r = W.astype(np.float64), q.dequantized.astype(np.float64)
    loss = np.einsum("ij,jk,ik->i", w, K, w) - 2 * np.einsum("ij,jk,ik->i", w, C, r) + np.einsum("ij,jk,ik->i", r, H, r)
    assert (loss <= q.certificate.loss[:, 1] * (1 + 1e-6)).all()
    plain = hallmark.quantize(W, gram, name="w", grid="int4")
    assert (plain.codes == hallmark.quantize(W, H, name="w", grid="int4").codes).all()
    assert (plain.codes != q.codes).any()
    with pytest.raises(hallmark.InfeasibleError, match="E0431"):
        hallmark.quantize(W, H, grid="int4", target="asymmetric")
