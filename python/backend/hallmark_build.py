"""The build backend of the package (PEP 517): CMake builds the module, and a wheel is a zip of it and of hallmark/*.py.

It needs no package, so that `pip install ./python` works without network on a system that has none but its own. The
build folder is build-python beside the sources, or HALLMARK_BUILD; what is there already is not built again.

`pip wheel ./python --config-settings bundle=1` puts the shared libraries into the wheel too, but for those that
manylinux_2_36 promises: it installs where Debian's are not.
"""

import base64
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import zipfile

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent
MODULES = ("*.py", "*.pyi", "py.typed")


def version():
    return re.search(r"project\(Hallmark VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def build_module():
    """Builds hallmark._native for this Python and returns its file."""
    folder = pathlib.Path(os.environ.get("HALLMARK_BUILD") or ROOT / "build-python").resolve()
    known = (folder / "CMakeCache.txt").exists()
    python = os.path.realpath(sys.executable)  # not that of a virtual environment, which may be gone tomorrow
    settings = [f"-DPython_EXECUTABLE={python}", "-DHALLMARK_PYTHON=ON", "-DCMAKE_BUILD_TYPE=Release"]
    if not known:
        settings += ["-G", "Ninja", "-DHALLMARK_TESTS=OFF"]
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, *settings], check=True)
    subprocess.run(["cmake", "--build", folder, "--target", "hallmark_python"], check=True)
    return folder / "python" / "hallmark" / ("_native" + sysconfig.get_config_var("EXT_SUFFIX"))


def tag(bundled):
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    machine = re.sub("[-.]", "_", sysconfig.get_platform())
    return f"{python}-{python}-{machine.replace('linux', 'manylinux_2_36', 1) if bundled else machine}"


# What every system of manylinux_2_36 has (PEP 600): glibc, and the runtime of the compiler.
PROMISED = re.compile(r"(linux-vdso|ld-linux.*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+))\.so")


def libraries(module):
    """The shared libraries that the module needs, theirs too, by the names under which they are looked for."""
    found = {}
    for line in subprocess.run(["ldd", module], check=True, capture_output=True, text=True).stdout.splitlines():
        name, _, rest = line.strip().partition(" => ")
        if PROMISED.match(os.path.basename(name)):
            continue
        if not rest.startswith("/"):
            raise RuntimeError(f"{module}: {line.strip()}")
        found[name] = pathlib.Path(rest.split(" ")[0])
    return found


def metadata():
    return (f"Metadata-Version: 2.1\nName: hallmark\nVersion: {version()}\n"
            "Summary: Proof-carrying weight quantization\nLicense: Apache-2.0\n"
            "Requires-Python: >=3.9\nRequires-Dist: numpy>=1.23\n")


def renamed(content, names):
    """With names of their own, as long as the old ones: a library of the system's with the old name may be another version,
    and of one name only the first is loaded."""
    for name in names:
        content = content.replace(name.encode() + b"\0", bundled_name(name).encode() + b"\0")
    return content


def bundled_name(name):
    return name.replace(".so.", "-hm.")


def licences(libraries):
    """The copyright files of Debian's packages that they come from."""
    for path in libraries:
        pattern = "*/" + os.path.basename(os.path.realpath(path))  # Debian calls /usr/lib what some packages call /lib
        package = subprocess.run(["dpkg", "-S", pattern], check=True, capture_output=True,
                                 text=True).stdout.split(":")[0]
        yield f"hallmark/libs/{package}.copyright", pathlib.Path(f"/usr/share/doc/{package}/copyright").read_bytes()


def write_wheel(folder, files, bundled=False):
    """files: (name in the wheel, bytes). Their order and times are fixed: equal contents give equal wheels."""
    name = f"hallmark-{version()}-{tag(bundled)}.whl"
    info = f"hallmark-{version()}.dist-info"
    files = sorted(files) + [(f"{info}/METADATA", metadata().encode()),
                             (f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: hallmark\nRoot-Is-Purelib: false\n"
                                               f"Tag: {tag(bundled)}\n".encode())]
    record = ""
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        def add(path, content):
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100644 << 16
            wheel.writestr(entry, content, zipfile.ZIP_DEFLATED)
        for path, content in files:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(content)}\n"
            add(path, content)
        add(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return name


def sources():
    return sorted(path for pattern in MODULES for path in (HERE / "hallmark").glob(pattern))


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    module = build_module()
    files = [(f"hallmark/{path.name}", path.read_bytes()) for path in [*sources(), module]]
    bundled = bool((config_settings or {}).get("bundle"))
    if bundled:
        found = libraries(module)
        files = [(name, renamed(content, found)) for name, content in files]
        files += [(f"hallmark/libs/{bundled_name(name)}", renamed(path.read_bytes(), found)) for name, path in found.items()]
        files += dict(licences(found.values())).items()
    return write_wheel(wheel_directory, files, bundled)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """Python's files stay where they are; the module is linked beside them."""
    module = build_module()
    link = HERE / "hallmark" / module.name
    link.unlink(missing_ok=True)
    link.symlink_to(module)
    return write_wheel(wheel_directory, [("hallmark.pth", f"{HERE}\n".encode())])


def build_sdist(sdist_directory, config_settings=None):
    raise RuntimeError("the package is built from a checkout of Hallmark: pip install ./python, or pip wheel ./python")
