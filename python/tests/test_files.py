"""Files in Python are those of the tool, byte for byte, and appear whole or not at all."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import hallmark
from conftest import read_safetensors, write_safetensors

SETTINGS = [dict(bits=3), dict(grid="int4z", group_size=8, bounds=True), dict(preset="q4_0", include=["b"]),
            dict(grid="gf16", exact=True), dict(bits=4, exclude=["b"])]


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(3)
    shapes = {"a": (24, 40), "b": (16, 64)}
    W = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    W["norm"] = np.ones(40, np.float32)
    grams = {name: hallmark.Gram(cols).add(random.standard_normal((100, cols)).astype(np.float32))
             for name, (_, cols) in shapes.items()}
    write_safetensors(tmp_path / "w.safetensors", W)
    hallmark.save_calibration(tmp_path / "c.safetensors", grams)
    return tmp_path, W, grams


def words(settings):
    out = []
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        out += [flag] if value is True else [flag, *value] if isinstance(value, list) else [flag, value]
    return out


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_container_and_certificate_are_those_of_the_tool(settings, files, tool):
    path, W, _ = files
    tool("quantize", "--weights", path / "w.safetensors", "--calibration", path / "c.safetensors", "--output",
         path / "tool.safetensors", *words(settings))
    seen = []
    model = hallmark.quantize_file(path / "w.safetensors", path / "python.safetensors", path / "c.safetensors",
                                   progress=lambda share, name: seen.append((share, name)), **settings)
    for ending in (".safetensors", ".certificate.json"):
        assert (path / f"python{ending}").read_bytes() == (path / f"tool{ending}").read_bytes()
    assert [name for _, name in seen] == list(model.matrices) and seen[0][0] == 0 and seen[-1][0] < 1
    tool("dequantize", path / "tool.safetensors", "--output", path / "d.safetensors")
    for name, array in read_safetensors(path / "d.safetensors").items():
        assert model.tensor(name).tobytes() == array.tobytes()
    tool("verify", path / "python.safetensors", "--weights", path / "w.safetensors", "--calibration", path / "c.safetensors")


def test_a_matrix_in_memory_is_that_of_the_file(files):
    path, W, grams = files
    model = hallmark.quantize_file(path / "w.safetensors", path / "q.safetensors", path / "c.safetensors", bits=4)
    assert model.tensors["norm"] == ("F32", (40,)) and model.matrices == ("a", "b")
    for name in model.matrices:
        alone, stored = hallmark.quantize(W[name], grams[name], name=name, bits=4), model.matrix(name)
        assert (alone.codes == stored.codes).all() and (alone.scales == stored.scales).all()
        assert (alone.rotated == stored.rotated).all() and (alone.dequantized == stored.dequantized).all()
        assert alone.options == stored.options
    with pytest.raises(KeyError):
        model.matrix("c")


def test_calibration_files_are_those_of_the_tool(files, tool):
    path, _, grams = files
    random = np.random.default_rng(3)
    X = random.standard_normal((50, 40)).astype(np.float32)
    write_safetensors(path / "x.safetensors", {"a.activations": X})
    tool("gram", "--activations", path / "x.safetensors", "--output", path / "tool.safetensors")
    hallmark.save_calibration(path / "python.safetensors", {"a": hallmark.Gram(40).add(X)})
    assert (path / "python.safetensors").read_bytes() == (path / "tool.safetensors").read_bytes()
    with pytest.raises(hallmark.InfeasibleError, match="E0410"):
        hallmark.save_calibration(path / "python.safetensors", {"a": hallmark.Gram(40).add(X)})


def test_verify_export_and_save(files, tool):
    path, W, _ = files
    q, w, c = path / "q.safetensors", path / "w.safetensors", path / "c.safetensors"
    hallmark.quantize_file(w, q, c, include=["b"], preset="q4_0")
    seen = []
    found = hallmark.verify(q, w, c, exact=True, progress=lambda *at: seen.append(at))
    assert found.rows == 16 and found.decided == (16, 0, 16) and seen == [(0.0, "b")]
    assert 0 < found.loss_over_rtn["b"] <= 1 and found.unjudged_contracts
    assert not hallmark.verify(q, w, c, reproduce=True).unjudged_contracts
    assert "gguf" in hallmark.formats()
    hallmark.export(q, path / "python.gguf", to="gguf")
    tool("export", q, "--to", "gguf", "--output", path / "tool.gguf")
    assert (path / "python.gguf").read_bytes() == (path / "tool.gguf").read_bytes()
    hallmark.verify(path / "python.gguf", w, c, certificate=path / "q.certificate.json")
    hallmark.open(q).save(path / "again.safetensors")
    assert (path / "again.safetensors").read_bytes() == q.read_bytes()
    with pytest.raises(hallmark.UsageError, match="E0231"):
        hallmark.export(q, path / "x", to="gguff")
    with pytest.raises(hallmark.InfeasibleError):
        hallmark.export(hallmark.quantize_file(w, path / "z.safetensors", c, grid="int3"), path / "z.gguf", to="gguf")
    assert not (path / "z.gguf").exists()


def test_a_changed_byte_is_found(files):
    path, W, _ = files
    q, w, c = path / "q.safetensors", path / "w.safetensors", path / "c.safetensors"
    hallmark.quantize_file(w, q, c, bits=4)
    W["a"][3, 5] += 1
    write_safetensors(path / "other.safetensors", W)
    with pytest.raises(hallmark.MismatchError) as raised:
        hallmark.verify(q, path / "other.safetensors", c)
    assert raised.value.number // 100 == 7
    raw = bytearray(q.read_bytes())
    raw[-70] ^= 1
    (path / "bad.safetensors").write_bytes(raw)
    with pytest.raises(hallmark.Error):
        hallmark.open(path / "bad.safetensors")
    with pytest.raises(hallmark.FileError, match="E0901"):
        hallmark.open(path / "none.safetensors")


def test_what_progress_raises_leaves_no_file(files):
    path, *_ = files
    before = sorted(os.listdir(path))

    class Enough(Exception):
        pass

    def stop(share, name):
        if name == "b":
            raise Enough

    with pytest.raises(Enough):
        hallmark.quantize_file(path / "w.safetensors", path / "q.safetensors", path / "c.safetensors", bits=4, progress=stop)
    assert sorted(os.listdir(path)) == before
    q = path / "q.safetensors"
    hallmark.quantize_file(path / "w.safetensors", q, path / "c.safetensors", bits=4)
    held = q.read_bytes()
    with pytest.raises(Enough):
        hallmark.export(q, path / "again.safetensors", to="hallmark", progress=stop)
    with pytest.raises(hallmark.InfeasibleError, match="E0410"):
        hallmark.quantize_file(path / "w.safetensors", q, path / "c.safetensors", bits=4)
    assert q.read_bytes() == held and "again.safetensors" not in os.listdir(path)


def test_control_c_leaves_no_file(files):
    path, *_ = files
    before = sorted(os.listdir(path))
    script = """
import os, signal, sys, hallmark
path = sys.argv[1]
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started this may have it ignored
def interrupt(share, name):
    if name == "a": os.kill(os.getpid(), signal.SIGINT)
try:
    hallmark.quantize_file(f"{path}/w.safetensors", f"{path}/q.safetensors", f"{path}/c.safetensors", bits=4, progress=interrupt)
except KeyboardInterrupt:
    sys.exit(77)
"""
    assert subprocess.run([sys.executable, "-c", script, path]).returncode == 77
    assert sorted(os.listdir(path)) == before


def test_weights_of_every_type(tmp_path):
    tensors = {"f": np.arange(6, dtype=np.float32).reshape(2, 3).T, "h": np.ones(3, np.float16), "d": np.ones((1, 2)),
               "i": np.arange(4), "b": np.array([True, False]), "e": np.zeros((0, 3), np.float32)}
    hallmark.save_weights(tmp_path / "w.safetensors", tensors, metadata={"format": "pt"})
    raw = (tmp_path / "w.safetensors").read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    assert header["__metadata__"] == {"format": "pt"} and header["i"]["dtype"] == "I64" and header["b"]["dtype"] == "BOOL"
    at = header["f"]["data_offsets"]
    data = raw[8 + int.from_bytes(raw[:8], "little"):]
    assert (np.frombuffer(data[at[0]:at[1]], np.float32).reshape(3, 2) == tensors["f"]).all()
    for wrong in (np.array(["x"]), np.ones(2, complex), np.ones(2, np.longdouble)):
        with pytest.raises(hallmark.InputError, match="E0351"):
            hallmark.save_weights(tmp_path / "x.safetensors", {"x": wrong})
    assert not (tmp_path / "x.safetensors").exists()
