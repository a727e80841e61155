#!/usr/bin/env python3
"""How long `mpirun -n N hallmark gram` and `quantize` take for models of 8, 70 and 405 billion parameters, and what it costs:
a simulation of what the ranks do (cluster_events.py) from measured rates (cluster_rates.json). docs/clusters.md has its table.
With --check it measures itself: runs of small matrices on this machine, beside what it says of them."""
import argparse
import json
import math
import os
import sys
from dataclasses import dataclass

from cluster_check import check
from cluster_costs import SHAPES, TOKENS, Rates, Refused, cluster, gram_command, quantize_command
from cluster_events import Outcome, Run, cost_of_a_death

HERE = os.path.dirname(os.path.abspath(__file__))
COLOURS = {"8b": "#0072B2", "70b": "#D55E00", "405b": "#007A5A"}


@dataclass
class Row:
    model: str
    ranks: int
    gram: Outcome
    quantize: Outcome
    gram_death: float = 0.0
    quantize_death: float = 0.0

    def seconds(self):
        return self.gram.seconds + self.quantize.seconds

    def node_hours(self):
        return self.ranks * self.seconds() / 3600


def simulate(model, ranks, threads, rates, deaths):
    shape = SHAPES[model]
    machine = cluster(rates, threads)
    commands = (gram_command(shape.all_matrices(), rates, threads),
                quantize_command(shape.all_matrices(), rates, threads, passing=shape.passing()))
    outcomes = [Run(command, machine, ranks, state=True).outcome() for command in commands]
    row = Row(model, ranks, *outcomes)
    if deaths:
        row.gram_death, row.quantize_death = (cost_of_a_death(command, machine, ranks, whole)
                                              for command, whole in zip(commands, outcomes))
    return row


def span(seconds):
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 360000 else f"{seconds / 3600:,.0f} h"


HEAD = ("ranks", "gram", "its start", "quantize", "its start", "its end", "both", "faster", "node-hours")


def cells(row, first, price):
    """Of one line; `first` is the model's first line, which the others are compared with."""
    end = row.quantize.seconds - row.quantize.made
    line = [f"{row.ranks:,}", span(row.gram.seconds), span(row.gram.start), span(row.quantize.seconds),
            span(row.quantize.start), span(end), span(row.seconds()), f"{first.seconds() / row.seconds():.1f}",
            f"{row.node_hours():,.1f}"]
    if price is not None:
        line.append(f"{price * row.node_hours():,.0f}")
    return line + [span(row.gram_death), span(row.quantize_death)]


def table(rows, price, markdown):
    head = list(HEAD) + (["cost"] if price is not None else []) + ["a death in gram", "in quantize"]
    lines = []
    for row in rows:
        first = next(r for r in rows if r.model == row.model)
        lines.append([row.model.upper().replace("B", " B")] + cells(row, first, price))
    head = ["model"] + head
    if markdown:
        text = ["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head)] + lines]
    else:
        widths = [max(len(line[k]) for line in [head] + lines) for k in range(len(head))]
        text = ["  ".join(word.rjust(width) for word, width in zip(line, widths)) for line in [head] + lines]
    return "\n".join(text) + "\n"


def shapes_table(models):
    text = ("| model | hidden | layers | heads | KV heads | MLP | vocabulary | parameters | matrices of a layer, rows x cols "
            "|\n|---|---|---|---|---|---|---|---|---|\n")
    for model in models:
        shape = SHAPES[model]
        matrices = {}
        for name, rows, cols in shape.matrices():
            matrices.setdefault((rows, cols), []).append(name.removesuffix("_proj"))
        listed = ", ".join(f"{'/'.join(names)} {rows} x {cols}" for (rows, cols), names in matrices.items())
        text += (f"| {model.upper().replace('B', ' B')} | {shape.hidden} | {shape.layers} | {shape.heads} | {shape.kv_heads} | "
                 f"{shape.mlp} | {shape.vocabulary} | {shape.parameters():,} | {listed} |\n")
    return text


def rates_table(path):
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)
    text = "| rate | value | | from |\n|---|---|---|---|\n"
    for name, entry in entries.items():
        value = entry["value"]
        numbers = ", ".join(f"{n:.4g}" for n in (value if isinstance(value, list) else [value]))
        text += f"| `{name}` | {numbers} {entry['unit']} | {entry['kind']} | {entry['from']} |\n"
    return text


class Panel:
    """Seconds by ranks, both by their logarithms."""

    left, width, top, height = 70, 360, 76, 330

    def __init__(self, at, title, ranks, slowest, quickest):
        self.x0, self.title, self.ranks = at + self.left, title, ranks
        self.low, self.high = math.log10(quickest) - 0.1, math.log10(slowest) + 0.1

    def x(self, ranks):
        most = max(math.log2(max(self.ranks)), 1)
        return self.x0 + self.width * math.log2(ranks) / most

    def y(self, seconds):
        return self.top + self.height * (self.high - math.log10(seconds)) / (self.high - self.low)

    def frame(self):
        out = [f'<text x="{self.x0:.1f}" y="{self.top - 12:.1f}" font-weight="bold">{self.title}</text>']
        marks = [(1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (36000, "10 h"), (360000, "100 h"),
                 (3600000, "1,000 h")]
        for seconds, text in marks:
            if self.low <= math.log10(seconds) <= self.high:
                y = self.y(seconds)
                out.append(f'<line x1="{self.x0:.1f}" y1="{y:.1f}" x2="{self.x0 + self.width:.1f}" y2="{y:.1f}" '
                           'stroke="#dddddd"/>')
                out.append(f'<text x="{self.x0 - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        bottom = self.top + self.height
        out.append(f'<line x1="{self.x0:.1f}" y1="{bottom:.1f}" x2="{self.x0 + self.width:.1f}" y2="{bottom:.1f}" '
                   'stroke="#222222"/>')
        for ranks in self.ranks:
            out.append(f'<text x="{self.x(ranks):.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{ranks}</text>')
        out.append(f'<text x="{self.x0 + self.width / 2:.1f}" y="{bottom + 38:.1f}" text-anchor="middle">ranks</text>')
        return out

    def line(self, points, colour, dashed):
        path = " ".join(f"{self.x(ranks):.1f},{self.y(seconds):.1f}" for ranks, seconds in points)
        style = ' stroke-width="1" stroke-dasharray="4 4"' if dashed else ' stroke-width="2"'
        out = [f'<polyline points="{path}" fill="none" stroke="{colour}"{style}/>']
        if not dashed:
            out += [f'<circle cx="{self.x(ranks):.1f}" cy="{self.y(seconds):.1f}" r="3.5" fill="{colour}"/>'
                    for ranks, seconds in points]
        return out


def svg(rows, threads):
    ranks = sorted({row.ranks for row in rows})
    models = list(dict.fromkeys(row.model for row in rows))
    width, height = 900, 476
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="DejaVu Sans, Verdana, sans-serif" font-size="12" fill="#222222">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="16" y="26" font-size="16">Modelled, not measured: one rank of {threads} threads on each node</text>']
    for k, model in enumerate(models):
        x = 24 + 100 * k
        out += [f'<circle cx="{x}" cy="44" r="3.5" fill="{COLOURS[model]}"/>',
                f'<text x="{x + 10}" y="48">{model.upper().replace("B", " B")}</text>']
    out.append(f'<text x="{24 + 100 * len(models)}" y="48">dashed: the time of the fewest ranks, divided evenly</text>')
    for at, title in ((0, "gram"), (450, "quantize")):
        seconds = {(row.model, row.ranks): getattr(row, title).seconds for row in rows}
        even = {(model, n): seconds[model, ranks[0]] * ranks[0] / n for model in models for n in ranks}
        lowest = min(seconds.values()) / 8
        panel = Panel(at, title, ranks, max(seconds.values()), lowest)
        out += panel.frame()
        for model in models:
            out += panel.line([(n, even[model, n]) for n in ranks if even[model, n] >= lowest], COLOURS[model], dashed=True)
            out += panel.line([(n, seconds[model, n]) for n in ranks], COLOURS[model], dashed=False)
    return "\n".join(out) + "\n</svg>\n"


def rank_counts(text):
    try:
        counts = [int(word) for word in text.split(",")]
    except ValueError:
        counts = []
    if not counts or sorted(set(counts)) != counts or not 1 <= counts[0] <= counts[-1] <= 65536:
        raise argparse.ArgumentTypeError(f"'{text}': whole numbers from 1 to 65536 in ascending order, as 1,2,4")
    return counts


def positive(kind):
    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < 1e6:
            raise argparse.ArgumentTypeError(f"'{text}': a number above 0 and below 1,000,000")
        return value

    return read


def main(words=None):
    parser = argparse.ArgumentParser(prog="cluster_model", description=__doc__, allow_abbrev=False)
    parser.add_argument("--model", choices=list(SHAPES), help="one of the models [all]")
    parser.add_argument("--ranks", type=rank_counts, help="numbers of ranks [1,2,4,...,1024; with --check 1,2,4]")
    parser.add_argument("--threads", type=positive(int), default=16, help="threads of a rank, cores of its node [16]")
    parser.add_argument("--rates", default=os.path.join(HERE, "cluster_rates.json"), help="the rates, in JSON")
    parser.add_argument("--price", type=positive(float), help="of a node for an hour: adds a column")
    parser.add_argument("--svg", help="a file for the picture")
    parser.add_argument("--markdown", action="store_true", help="tables for docs/clusters.md")
    parser.add_argument("--check", metavar="HALLMARK",
                        help="measure with this tool, built with -DHALLMARK_MPI=ON, or that of this build folder")
    asked = parser.parse_args(words)
    try:
        rates = Rates.read(asked.rates)
        if asked.check:
            return check(asked.check, asked.ranks or [1, 2, 4], rates)
        models = [asked.model] if asked.model else list(SHAPES)
        ranks = asked.ranks or [1 << k for k in range(11)]
        rows = [simulate(model, n, asked.threads, rates, deaths=True) for model in models for n in ranks]
        if asked.svg:
            with open(asked.svg, "w", encoding="utf-8") as file:
                file.write(svg(rows, asked.threads))
        if asked.markdown:
            print(shapes_table(models) + "\n" + rates_table(asked.rates) + "\n", end="")
        print(table(rows, asked.price, asked.markdown), end="")
    except Refused as refused:
        print(f"cluster_model: {refused}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cluster_model: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
