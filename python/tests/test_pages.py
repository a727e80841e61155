"""The Python of README.md and docs/from-pytorch.md runs as it stands."""
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import ROOT


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)


@pytest.mark.parametrize("page", ["README.md", "docs/from-pytorch.md"])
def test_the_page_runs(page, tmp_path):
    code = blocks(page)
    assert code, f"{page} has no Python"
    done = subprocess.run([sys.executable, "-c", "\n".join(code)], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_readme_needs_ten_lines():
    lines = [line for line in blocks("README.md")[0].splitlines() if line.strip()]
    assert len(lines) <= 10
