"""Runs of small matrices by local ranks, measured, beside what the model says of them."""
import hashlib
import json
import os
import random
import statistics
import struct
import subprocess
import tempfile
import time

from cluster_costs import Refused, quantize_command
from cluster_events import Machine, Run

SHAPES = ((2048, 2048), (1024, 2048), (3072, 1024), (1536, 1536))  # in turn
MATRICES, TOKENS, SEED = 12, 4096, 7
ROUNDS = 3
FACTOR = 2.0  # a prediction that is wrong by more is a failure
LOCAL = 2e9  # bytes a second from rank to rank on one machine, in which results of 1 MB take next to nothing


def noise(draw, count):
    """BF16 numbers of either sign from 1/8 to 2: the arithmetic takes as long for all numbers."""
    words = int.from_bytes(draw.randbytes(2 * count), "little")
    keep, exponent = (int.from_bytes(struct.pack("<H", word) * count, "little") for word in (0x81FF, 0x3E00))
    return (words & keep | exponent).to_bytes(2 * count, "little")


def write_safetensors(path, tensors, seed):
    draw, head, at = random.Random(seed), {}, 0
    for name, rows, cols in tensors:
        head[name] = {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [at, at + 2 * rows * cols]}
        at += 2 * rows * cols
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, rows, cols in tensors:
            file.write(noise(draw, rows * cols))


def seconds_of(command, folder, environment):
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        raise Refused(f"a run failed: {' '.join(command)}:\n{done.stdout}")
    return time.monotonic() - start


class Local:
    """The tool on this machine, in a folder of its own with the matrices."""

    def __init__(self, tool, folder):
        self.folder = folder
        self.tool = os.path.abspath(os.path.join(tool, "hallmark") if os.path.isdir(tool) else tool)
        if not os.access(self.tool, os.X_OK):
            raise Refused(f"no tool to be run: {self.tool}: build it with -DHALLMARK_MPI=ON")
        self.environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                            "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMP_WAIT_POLICY": "passive"}
        self.matrices = [(f"l{k:02}", *SHAPES[k % len(SHAPES)]) for k in range(MATRICES)]
        write_safetensors(os.path.join(folder, "w.safetensors"), self.matrices, SEED)
        write_safetensors(os.path.join(folder, "c.safetensors"),
                          [(f"{name}.activations", TOKENS, cols) for name, _, cols in self.matrices], SEED + 1)

    def mpirun(self, ranks, *command):
        return seconds_of(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command], self.folder,
                          self.environment)

    def quantize(self, ranks):
        return self.mpirun(ranks, self.tool, "quantize", "--weights", "w.safetensors", "--calibration", "c.safetensors",
                           "--grid", "int4", "--threads", "1", "--quiet", "--overwrite", "-o", "q.safetensors")

    def rates(self, rates):
        """Those that are of this machine and not of its arithmetic, by one process each."""
        launch = statistics.median(self.mpirun(1, "true") for _ in range(ROUNDS))
        whole = statistics.median(self.mpirun(1, self.tool, "version") for _ in range(ROUNDS))
        reads, hashes = [], []
        for _ in range(ROUNDS):
            start = time.monotonic()
            with open(os.path.join(self.folder, "c.safetensors"), "rb") as file:
                content = file.read()
            reads.append(len(content) / (time.monotonic() - start))
            start = time.monotonic()
            hashlib.sha256(content).digest()
            hashes.append(len(content) / (time.monotonic() - start))
        return rates.with_values(sha256=statistics.median(hashes), node_disk=statistics.median(reads), launch=launch,
                                 rank_start=max(whole - launch, 1e-3))


def machine(rates):
    return Machine(threads=1, cores=len(os.sched_getaffinity(0)), node_disk=rates.node_disk, network=LOCAL,
                   poll=rates.poll, launch=rates.launch, rank_start=rates.rank_start, one_node=True)


def predict(local, rates, ranks):
    return Run(quantize_command(local.matrices, rates, 1, tokens=TOKENS), machine(rates), ranks).outcome().seconds


def as_measured(local, rates, seconds):
    """The rates with all arithmetic as many times as fast as makes one rank take these seconds."""
    slow, fast = 1e-3, 1e3
    for _ in range(60):
        middle = (slow * fast) ** 0.5
        if predict(local, rates.times(middle), 1) > seconds:
            slow = middle
        else:
            fast = middle
    if not 2e-3 < fast < 5e2:
        raise Refused(f"no speed of the arithmetic explains {seconds:.1f} s on one rank")
    return rates.times(fast)


def check(tool, ranks, rates):
    with tempfile.TemporaryDirectory() as folder:
        local = Local(tool, folder)
        here = local.rates(rates)
        measured = {n: [] for n in [1] + ranks}
        for _ in range(ROUNDS):
            for n, seconds in measured.items():
                seconds.append(local.quantize(n))
        one = statistics.median(measured[1])
        here = as_measured(local, here, one)
        cores = len(os.sched_getaffinity(0))
        print(f"{MATRICES} matrices, {TOKENS} tokens, int4, one thread a rank, {cores} cores; "
              f"sha256 {here.sha256 / 1e9:.2f} GB/s, mpirun {here.launch:.2f} s, start of a rank {here.rank_start:.2f} s;")
        print(f"arithmetic {here.speed:.2f} times as fast as in the rates, so that one rank takes what was measured.\n")
        print("| ranks | measured, median and all | predicted | predicted / measured |\n|---|---|---|---|")
        worst = 1.0
        for n in ranks:
            middle, said = statistics.median(measured[n]), predict(local, here, n)
            everything = ", ".join(f"{seconds:.2f}" for seconds in sorted(measured[n]))
            fitted = " (fitted)" if n == 1 else ""
            print(f"| {n} | {middle:.2f} s ({everything}) | {said:.2f} s{fitted} | {said / middle:.2f} |")
            worst = max(worst, said / middle, middle / said)
    if worst > FACTOR:
        print(f"cluster_model: a prediction is wrong by a factor of {worst:.2f}, more than {FACTOR:g}")
        return 1
    return 0
