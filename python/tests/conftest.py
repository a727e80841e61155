import json
import os
import pathlib
import struct
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("HALLMARK_TOOL", ROOT / "build" / "hallmark"))


@pytest.fixture(scope="session")
def tool():
    """Runs the program of the same build: what the package is compared with."""
    assert TOOL.exists(), f"{TOOL} is missing: make build, or HALLMARK_TOOL"

    def run(*arguments, fails=False):
        done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stdout if not fails else done.stderr

    return run


NAMES = {np.dtype(np.float32): "F32", np.dtype(np.float64): "F64", np.dtype(np.float16): "F16"}


def write_safetensors(path, tensors, metadata=None):
    """A writer of its own, so that nothing is compared with itself."""
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(np.ascontiguousarray(array).tobytes())
    return path


def read_safetensors(path):
    raw = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    dtypes = {"F32": np.float32, "F64": np.float64, "F16": np.float16, "U8": np.uint8, "I8": np.int8, "U16": np.uint16}
    return {name: np.frombuffer(raw[8 + size:][slice(*entry["data_offsets"])], dtypes[entry["dtype"]])
            .reshape(entry["shape"]) for name, entry in header.items()}


@pytest.fixture
def layer():
    """A small layer: weights [24, 40] and inputs [200, 40] that are not white."""
    random = np.random.default_rng(7)
    W = random.standard_normal((24, 40)).astype(np.float32)
    X = (random.standard_normal((200, 40)) @ random.standard_normal((40, 40))).astype(np.float32)
    return W, X
