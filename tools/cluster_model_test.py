#!/usr/bin/env python3
"""The simulation against schedules by hand, and docs/clusters.md and its picture against what the tool prints."""
import contextlib
import io
import json
import os
import random
import re
import shlex
import struct
import tempfile
import unittest

import cluster_check
import cluster_model
from cluster_costs import SHAPES, Rates, cluster, gram_command, quantize_command
from cluster_events import SILENCE, Command, Item, Machine, Run, cost_of_a_death

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RATES = Rates.read(os.path.join(ROOT, "tools", "cluster_rates.json"))


def works(*seconds, **more):
    return [Item(cost=work, work=work, **more) for work in seconds]


def seconds(items, ranks, ahead=16, machine=Machine(threads=1, cores=1), state=False, **more):
    return Run(Command(items, ahead, **more), machine, ranks, state).outcome().seconds


class Schedules(unittest.TestCase):
    def test_equal_items(self):
        self.assertEqual(seconds(works(1, 1, 1), 1), 3)
        self.assertEqual(seconds(works(1, 1, 1), 2), 2)
        self.assertEqual(seconds(works(1, 1, 1), 3), 1)

    def test_the_costliest_goes_first(self):
        self.assertEqual(seconds(works(1, 1, 4), 2), 4)  # in order: 5

    def test_only_the_window_is_handed_out(self):
        # 4 and 1; the second rank waits until the first item is taken; 1 and 1; 6.
        self.assertEqual(seconds(works(4, 1, 1, 1, 6), 2, ahead=1), 11)
        self.assertEqual(seconds(works(4, 1, 1, 1, 6), 2, ahead=3), 7)

    def test_the_window_grows_while_its_bytes_fit(self):
        # As above with ahead=1 where no more bytes fit, or than of two of the largest; as with ahead=3 where all do; between,
        # the second rank has made the three of 1 when the first item is taken.
        for ahead_bytes, whole in ((0, 11), (1, 11), (2, 11), (3, 11)):
            self.assertEqual(seconds(works(4, 1, 1, 1, 6, sent=1), 2, ahead=1, ahead_bytes=ahead_bytes), whole)
        mixed = works(4, 1, 1, 1, 6)
        for item, size in zip(mixed, (1, 1, 1, 1, 4)):
            item.sent = size
        for ahead_bytes, whole in ((0, 11), (2, 11), (7, 10), (8, 7), (100, 7)):
            self.assertEqual(seconds(mixed, 2, ahead=1, ahead_bytes=ahead_bytes), whole)

    def test_what_is_there_takes_no_room(self):
        items = works(4, 1, 1, 1, 6)
        run = Run(Command(items, ahead=1), Machine(threads=1, cores=1), 2, state=True, there=(1, 2, 3))
        self.assertEqual(run.outcome().seconds, 6)

    def test_results_come_one_after_the_other(self):
        machine = Machine(threads=1, cores=1, network=1)
        self.assertEqual(seconds(works(2, 2, sent=3), 2, machine=machine), 2 + 3)
        self.assertEqual(seconds(works(2, 2, 2, sent=3), 3, machine=machine), 2 + 3 + 3)

    def test_messages_take_their_time(self):
        # Who shares the hashing, and its digests, both ways; agreement; who is free says so, and gets an item of 2, which
        # comes back.
        machine = Machine(threads=1, cores=1, latency=0.25)
        self.assertEqual(seconds(works(2, 2), 2, machine=machine), 4 * 0.25 + 0.25 + 0.25 + 0.25 + 2 + 0.25)

    def test_ranks_of_one_node_share_its_cores(self):
        for cores, whole in ((1, 4), (2, 2), (4, 1), (8, 1)):
            machine = Machine(threads=1, cores=cores, one_node=True)
            self.assertEqual(seconds(works(1, 1, 1, 1), 4, machine=machine), whole)
        machine = Machine(threads=2, cores=2, one_node=True)
        self.assertEqual(seconds(works(1, 1, 1, 1), 4, machine=machine), 4)

    def test_several_ranks_hash_before_the_work_and_one_beside_it(self):
        items = works(1, 1, inputs=((3, 0),))
        self.assertEqual(seconds(items, 2, one_rank_hashes="beside"), 3 * 2 + 1)
        self.assertEqual(seconds(items, 1, one_rank_hashes="beside", machine=Machine(threads=1, cores=2)), 6)
        self.assertEqual(seconds(items, 1, one_rank_hashes="in turn"), 2)
        self.assertEqual(seconds(items, 1, one_rank_hashes="in turn", state=True), 8)
        one_core = Machine(threads=1, cores=1, one_node=True)
        self.assertEqual(seconds(items, 2, one_rank_hashes="beside", machine=one_core), 6 + 2)

    def test_files_are_hashed_once_on_a_machine_by_all_its_threads(self):
        files = ((5, 5), (3, 3), (2, 2), (2, 2))
        for ranks, threads, one_node, whole in ((2, 2, False, 7), (2, 4, False, 5), (2, 1, False, 7), (2, 1, True, 5),
                                                (4, 1, True, 5), (2, 2, True, 5)):
            machine = Machine(threads=threads, cores=8, one_node=one_node)
            self.assertEqual(seconds(works(1, 1, 1, 1), ranks, machine=machine, files=files), whole + 4 / ranks)
        # One file system; a node gets no more of it by more threads.
        machine = Machine(threads=4, cores=4, node_disk=1, shared_disk=2)
        self.assertEqual(seconds(works(1, 1), 2, machine=machine, files=files), 12 + 1)
        self.assertEqual(seconds(works(1, 1, 1, 1), 4, machine=machine, files=files), 24 + 1)

    def test_ranks_share_the_file_system(self):
        for shared, whole in ((10, 4), (20, 2), (40, 1), (1000, 1)):
            machine = Machine(threads=1, cores=1, node_disk=10, shared_disk=shared)
            self.assertEqual(seconds(works(0.5, 0.5, 0.5, 0.5, read=10), 4, machine=machine), whole + 0.5)

    def test_rank_0_writes_in_order_beside_the_work_or_in_line(self):
        items = works(1, 1, writing=2)
        two = Machine(threads=1, cores=2)
        self.assertEqual(seconds(items, 1, machine=two, write_beside=True), 1 + 2 + 2)
        self.assertEqual(seconds(items, 1, machine=two), 1 + 2 + 1 + 2)
        large = works(1, 1, writing=2, large=True)
        self.assertEqual(seconds(large, 1, machine=two, write_beside=True), 1 + 2 + 1 + 2)

    def test_what_rank_0_does_alone(self):
        self.assertEqual(seconds(works(1, taken=2), 1, look=(3, 0), after=(4, 0)), 3 + 1 + 2 + 4)

    def test_a_death_costs_what_was_in_flight(self):
        machine = Machine(threads=1, cores=1)
        for items, lost in ((works(10), 5), (works(*[1] * 10), 0.5)):
            command = Command(items, 16)
            whole = Run(command, machine, 1, state=True).outcome()
            self.assertAlmostEqual(cost_of_a_death(command, machine, 1, whole), SILENCE + lost)
        # What is taken from the state is not made again, but it is read.
        command = Command(works(1, 1, kept=0.25), 16)
        self.assertEqual(Run(command, machine, 1, state=True, there=[0]).outcome().seconds, 0.25 + 1.25)
        command = Command(works(5, 1, kept=0.25), 16, write_beside=True)
        self.assertEqual(Run(command, machine, 2, state=True, there=[0]).outcome().seconds, 0.25 + 1 + 0.25)


class Models(unittest.TestCase):
    def test_shapes_are_those_that_were_published(self):
        parameters = {name: shape.parameters() for name, shape in SHAPES.items()}
        self.assertEqual(parameters, {"8b": 8_030_261_248, "70b": 70_553_706_496, "405b": 405_853_388_800})

    def test_costs_are_the_rates(self):
        for threads in (1, 2):
            one, factor, gptq = (RATES.values[name][threads - 1] for name in ("gram", "factor", "gptq"))
            self.assertAlmostEqual(RATES.gram_seconds(2048, 4096, threads), 2048 * 4096**2 / one)
            if gptq <= 2 * RATES.values["gptq"][0]:  # a second thread counts as one at most
                self.assertAlmostEqual(RATES.quantize_seconds(4096, 4096, threads), 8 / 3 * 4096**3 / gptq)
            self.assertLess(4096**3 / 3 / factor, RATES.quantize_seconds(1, 4096, threads) * 1.01)

    def test_arithmetic_alone(self):
        matrices = SHAPES["8b"].all_matrices()
        for make in (gram_command, quantize_command):
            command = make(matrices, RATES, 1)
            work = [item.work for item in command.items]
            alone = Command([Item(item.cost, item.work) for item in command.items], command.ahead)
            times = [seconds(alone.items, ranks, alone.ahead) for ranks in (1, 2, 3, 4, 6, 8, 16, 64, 256, 1024)]
            self.assertAlmostEqual(times[0], sum(work))
            self.assertEqual(times, sorted(times, reverse=True))
            self.assertGreaterEqual(times[1], sum(work) / 2)
            self.assertAlmostEqual(times[-1], max(work))  # a matrix is not split

    def test_the_whole_is_no_shorter_than_its_parts(self):
        matrices = SHAPES["8b"].all_matrices()
        command = quantize_command(matrices, RATES, 16, passing=SHAPES["8b"].passing())
        for ranks in (1, 7):
            run = Run(command, cluster(RATES, 16), ranks, state=True).outcome()
            self.assertGreater(run.seconds, run.made)
            self.assertGreater(run.made, run.start + sum(item.work for item in command.items) / ranks)
            self.assertEqual(len(run.arrived), len(matrices))
            self.assertLessEqual(max(run.arrived), run.made)

    def test_rates_say_where_they_come_from(self):
        with open(os.path.join(ROOT, "tools", "cluster_rates.json"), encoding="utf-8") as file:
            for name, entry in json.load(file).items():
                self.assertIn(entry["kind"], ("measured", "assumed", "the code's"), name)
                self.assertTrue(entry["from"] and entry["unit"], name)


def said(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cluster_model.main(list(words))
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), err.getvalue()


class Tool(unittest.TestCase):
    def refused(self, words, *reason):
        code, out, err = said(*words)
        self.assertEqual((code, out), (2, ""))
        for word in reason:
            self.assertIn(word, err)

    def test_wrong_input_is_refused(self):
        self.refused(["--ranks", "4,x"], "--ranks", "'4,x'")
        self.refused(["--ranks", "4,2"], "ascending")
        self.refused(["--ranks", "0,2"], "--ranks")
        self.refused(["--model", "13b"], "--model", "13b")
        self.refused(["--threads", "0"], "--threads")
        self.refused(["--price", "nan"], "--price")
        self.refused(["--rates", "/no/file"], "cannot be read", "/no/file")
        self.refused(["--check", "/no/tool", "--ranks", "1"], "/no/tool")
        self.refused(["--mark"], "--mark")
        self.refused(["--model", "8b", "--ranks", "1", "--svg", "/no/folder/x.svg"], "/no/folder/x.svg")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rates.json")
            with open(os.path.join(ROOT, "tools", "cluster_rates.json"), encoding="utf-8") as file:
                good = json.load(file)
            gram = dict(good["gram"])
            for change, reason in (({"gram": {**gram, "value": 3}}, "two numbers"),
                                   ({"gram": {**gram, "value": [3, -1]}}, "two numbers"),
                                   ({"network": {"value": "fast"}}, "network"), ({"gram": 3}, "no 'gram'"),
                                   ({"speed": {"value": 1}}, "nothing reads")):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump({**good, **change}, file)
                self.refused(["--rates", path], reason, path)
            with open(path, "w", encoding="utf-8") as file:
                file.write("[")
            self.refused(["--rates", path], "no JSON", path)

    def test_noise_is_finite_and_of_both_signs(self):
        numbers = struct.unpack("<1000H", cluster_check.noise(random.Random(1), 1000))
        values = [struct.unpack("<f", struct.pack("<I", word << 16))[0] for word in numbers]
        self.assertTrue(all(1 / 8 <= abs(value) < 2 for value in values))
        self.assertTrue(400 < sum(value < 0 for value in values) < 600)

    def test_the_page_is_what_the_tool_prints(self):
        with open(os.path.join(ROOT, "docs", "clusters.md"), encoding="utf-8") as file:
            page = file.read()
        block = re.search(r"<!-- modelled: tools/cluster_model\.py (.*) -->\n(.*?)<!-- end of what is modelled -->", page,
                          re.DOTALL)
        words = shlex.split(block.group(1))
        with tempfile.TemporaryDirectory() as folder:
            picture = os.path.join(folder, "picture.svg")
            code, out, err = said(*words, "--svg", picture)
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(out, block.group(2))
            with open(picture, "rb") as new, open(os.path.join(ROOT, "docs", "clusters.svg"), "rb") as old:
                self.assertEqual(new.read(), old.read())


if __name__ == "__main__":
    unittest.main()
