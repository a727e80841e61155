"""What docs/formats.md says was tried: a line for each test that says so, with the version that it ran with."""
from importlib.metadata import version

LINES = set()


def tried(form, loader, how):
    """Registers `form | loader version | how` for the page; the test under it is the trial."""
    LINES.add(f"| `{form}` | {loader} {version(loader)} | {how} |")
    return lambda test: test
