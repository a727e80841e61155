import os
import pathlib
import subprocess

import pytest
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("HALLMARK_TOOL", ROOT / "build" / "hallmark"))


def hallmark(*arguments):
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Exported:
    """A model quantized with some flags, exported, and the numbers that its certificate is about."""

    def __init__(self, folder, weights, to, *flags, calibration=None, llama=None):
        self.container, self.path, numbers = folder / "q.safetensors", folder / f"exported.{to}", folder / "numbers"
        known = ["--calibration", calibration] if calibration else []
        hallmark("quantize", "--weights", weights, *known, *flags, "--output", self.container, "--quiet")
        layout = ["--llama", llama] if llama else []
        hallmark("export", self.container, "--to", to, *layout, "--output", self.path, "--quiet")
        hallmark("verify", self.path, "--certificate", folder / "q.certificate.json", "--weights", weights, *known)
        hallmark("dequantize", self.container, "--output", numbers, "--quiet")
        self.numbers = load_file(numbers)


@pytest.fixture
def exported(tmp_path):
    return lambda *arguments, **more: Exported(tmp_path, *arguments, **more)
