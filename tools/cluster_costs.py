"""What matrices cost `hallmark gram` and `hallmark quantize`, by rates that were measured."""
import json
import math
from dataclasses import dataclass

from cluster_events import Command, Item, Machine

BITS = 4  # of a code: --grid int4, one scale a row
TOKENS = 1 << 18  # of calibration: 128 samples of 2,048, one chunk of `gram`
NUMBER = 2  # bytes of a weight or an activation: BF16
GRAM_NUMBER = 8  # bytes: F64
LARGE = 32 << 20  # codes: a larger matrix is written before the next is begun (src/pipeline/quantize_outputs.cpp)
SHARD = 5e9  # bytes of W in one file, as models are published
SQUARE = 4096  # rows and columns with which `gptq` was measured


class Refused(Exception):
    pass


@dataclass
class Shape:
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    mlp: int
    vocabulary: int = 128256
    head: int = 128

    def matrices(self):
        """(name, rows, columns) of those of a layer."""
        queries, keys = self.heads * self.head, self.kv_heads * self.head
        return [("q_proj", queries, self.hidden), ("k_proj", keys, self.hidden), ("v_proj", keys, self.hidden),
                ("o_proj", self.hidden, queries), ("gate_proj", self.mlp, self.hidden),
                ("up_proj", self.mlp, self.hidden), ("down_proj", self.hidden, self.mlp)]

    def all_matrices(self):
        return self.matrices() * self.layers

    def passing(self):
        """Numbers that are not quantized: embedding, head, norms."""
        return 2 * self.vocabulary * self.hidden + (2 * self.layers + 1) * self.hidden

    def parameters(self):
        return sum(rows * cols for _, rows, cols in self.all_matrices()) + self.passing()


# As published: Llama 3.1 (Grattafiori et al. 2024, table 3).
SHAPES = {"8b": Shape(hidden=4096, layers=32, heads=32, kv_heads=8, mlp=14336),
          "70b": Shape(hidden=8192, layers=80, heads=64, kv_heads=8, mlp=28672),
          "405b": Shape(hidden=16384, layers=126, heads=128, kv_heads=8, mlp=53248)}

# Of one thread and of two; all others are one number.
TWO_THREADS = ("gram", "factor", "gptq")
ONE_NUMBER = ("sha256", "look", "write", "unpack", "record_row", "certificate_row", "node_disk", "shared_disk",
              "node_memory", "network", "latency", "poll", "launch", "rank_start")


class Rates:
    def __init__(self, values, speed=1.0):
        self.values, self.speed = values, speed  # of all of the arithmetic, as a multiple

    @staticmethod
    def read(path):
        try:
            with open(path, encoding="utf-8") as file:
                entries = json.load(file)
        except OSError as error:
            raise Refused(f"the rates cannot be read: {path}: {error.strerror}") from error
        except ValueError as error:
            raise Refused(f"the rates are no JSON: {path}: {error}") from error
        if not isinstance(entries, dict):
            raise Refused(f"the rates are no object: {path}")
        values = {}
        for name in TWO_THREADS + ONE_NUMBER:
            entry = entries.get(name)
            if not isinstance(entry, dict) or "value" not in entry:
                raise Refused(f"the rates have no '{name}': {path}")
            value = entry["value"]
            numbers = value if name in TWO_THREADS else [value]
            wanted = 2 if name in TWO_THREADS else 1
            if not isinstance(numbers, list) or len(numbers) != wanted or not all(
                    isinstance(n, (int, float)) and not isinstance(n, bool) and 0 < n < math.inf for n in numbers):
                raise Refused(f"'{name}' is not {'two numbers' if wanted == 2 else 'a number'} above 0: {path}: {value}")
            values[name] = value
        unknown = sorted(set(entries) - set(values))
        if unknown:
            raise Refused(f"the rates have a '{unknown[0]}' that nothing reads: {path}")
        return Rates(values)

    def times(self, speed):
        return Rates(self.values, speed)

    def with_values(self, **values):
        return Rates({**self.values, **values}, self.speed)

    def __getattr__(self, name):
        return self.values[name]

    def _threads(self, one, two, threads):
        """Each doubling of the threads gains what the second gains, and no more than twice: beyond two not measured."""
        return self.speed * one * min(2.0, two / one) ** math.log2(threads)

    def gram_seconds(self, tokens, cols, threads):
        return tokens * cols**2 / self._threads(*self.gram, threads)

    def quantize_seconds(self, rows, cols, threads):
        """Factorization and rounding, the latter by what GPTQ takes beside the factorization."""
        cube = SQUARE**3
        rounding = [2 * cube / (8 / 3 * cube / whole - cube / 3 / factor)
                    for whole, factor in zip(self.gptq, self.factor)]
        return cols**3 / 3 / self._threads(*self.factor, threads) + 2 * rows * cols**2 / self._threads(
            *rounding, threads)


def gram_command(matrices, rates, threads, tokens=TOKENS):
    """`hallmark gram --activations` of at most one chunk of tokens a weight."""
    items = []
    for _, _, cols in matrices:
        sums, inputs = GRAM_NUMBER * cols**2, NUMBER * tokens * cols
        items.append(Item(cost=tokens * cols**2, work=rates.gram_seconds(tokens, cols, threads), read=inputs,
                          reading=inputs / rates.look, sent=sums, kept=sums / rates.sha256, written=sums,
                          inputs=((inputs / rates.sha256, inputs),)))
    files = tuple(part for item in items for part in item.inputs)  # tensors, of which each is hashed alone
    return Command(items, ahead=2, ahead_bytes=rates.node_memory / 4, files=files, one_rank_hashes="in turn")


def quantize_command(matrices, rates, threads, passing=0, tokens=None):
    """`hallmark quantize` with ready Gram matrices, or with activations of so many tokens."""
    items = []
    for _, rows, cols in matrices:
        codes, weights = rows * cols, NUMBER * rows * cols
        stored = codes * BITS / 8
        calibration = GRAM_NUMBER * cols**2 if tokens is None else NUMBER * tokens * cols
        work, beside = rates.quantize_seconds(rows, cols, threads), 0.0
        if tokens is not None:
            work += rates.gram_seconds(tokens, cols, threads)
            beside = GRAM_NUMBER * cols**2 / rates.sha256  # the digest of the sums
        sent = stored + rates.record_row * rows
        # Each input is hashed as a file and as tensors, the weights on one thread and the calibration on another.
        inputs = tuple((2 * size / rates.sha256, size) for size in (weights, calibration))
        items.append(Item(cost=rows * cols**2 + cols**3 / 3, work=work, beside=beside, read=weights + calibration,
                          reading=(weights + calibration) / rates.look, sent=sent, kept=sent / rates.sha256,
                          taken=codes / rates.unpack, written=stored + (4 + rates.certificate_row) * rows,
                          writing=codes / rates.write, large=codes > LARGE, inputs=inputs))
    read = sum(item.read for item in items)
    unchanged = NUMBER * passing
    container = sum(item.written for item in items) + unchanged
    codes = sum(rows * cols for _, rows, cols in matrices)
    weights = NUMBER * codes + unchanged
    shards = math.ceil(weights / SHARD)
    sizes = [read - NUMBER * codes] + [weights / shards] * shards  # of C, which `gram` writes as one file, and of W
    files = tuple((2 * size / rates.sha256, size) for size in sizes)  # as a file and as tensors
    return Command(items, ahead=16, files=files, one_rank_hashes="beside", write_beside=True, look=(read / rates.look, read),
                   passing=(unchanged / rates.sha256, unchanged),
                   after=(container / rates.sha256 / threads + codes / rates.unpack, container))


def cluster(rates, threads):
    """One rank on each node, which has as many cores as the rank has threads; all read one file system."""
    return Machine(threads=threads, cores=threads, node_disk=rates.node_disk, shared_disk=rates.shared_disk,
                   network=rates.network, latency=rates.latency, poll=rates.poll, launch=rates.launch,
                   rank_start=rates.rank_start)
