#!/usr/bin/env python3
"""tools/cluster_links.py HALLMARK: two ranks in two network namespaces, whose link delays every packet: what the model says
beside what was measured, and what becomes of a run whose link is cut. Needs root, `ip` and /dev/net/tun; the namespaces, the
devices and the processes in them are gone at the end. The link is this program: it carries packets from one device to the
other when their time has come (kernels without netem have no other delay)."""
import fcntl
import heapq
import os
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

from cluster_check import FACTOR, ROUNDS, TOKENS, Local, as_measured, machine
from cluster_costs import Rates, Refused, quantize_command
from cluster_events import Run

HERE = os.path.dirname(os.path.abspath(__file__))
DELAYS = (0.001, 0.02)  # s, one way
RATE = 100e6  # bytes a second, each way
MTU = 9000
WITHIN = 30.0  # s until a run without its link has ended
NAMES = tuple(f"hallmark{side}{os.getpid()}"[:15] for side in "ab")
HOSTS = ("10.77.0.1", "10.77.0.2")


def ip(*words):
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"ip {' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


def tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    only_packets, layer_3, set_name = 0x1000, 0x0001, 0x400454CA
    fcntl.ioctl(device, set_name, struct.pack("16sH22x", name.encode(), only_packets | layer_3))
    return device


class Link(threading.Thread):
    """Two namespaces with a device each. A packet leaves when those before it have left at RATE, and arrives `delay` later."""

    def __init__(self):
        super().__init__(daemon=True)
        self.delay, self.cut, self.over = 0.0, False, False
        self.devices = []
        for name, host in zip(NAMES, HOSTS):
            ip("netns", "add", name)
            self.devices.append(tun(name))
            ip("link", "set", name, "netns", name)
            for words in (("link", "set", "lo", "up"), ("addr", "add", f"{host}/24", "dev", name),
                          ("link", "set", name, "mtu", str(MTU), "up", "txqueuelen", "10000")):
                ip("-n", name, *words)

    def run(self):
        waiting, left, count = [], [0.0, 0.0], 0
        while not self.over:
            soonest = waiting[0][0] - time.monotonic() if waiting else 0.1
            for device in select.select(self.devices, [], [], min(0.1, max(0.0, soonest)))[0]:
                side = self.devices.index(device)
                for _ in range(64):
                    try:
                        packet = os.read(device, 65536)
                    except BlockingIOError:
                        break
                    if self.cut:
                        continue
                    left[side] = max(left[side], time.monotonic()) + len(packet) / RATE
                    count += 1
                    heapq.heappush(waiting, (left[side] + self.delay, count, 1 - side, packet))
            while waiting and (self.cut or waiting[0][0] <= time.monotonic()):
                _, _, side, packet = heapq.heappop(waiting)
                if not self.cut:
                    os.write(self.devices[side], packet)

    def end(self):
        self.over = True
        if self.is_alive():
            self.join()
        for device in self.devices:
            os.close(device)


def remove():
    for name in NAMES:
        if not os.path.exists(f"/run/netns/{name}"):
            continue
        for pid in ip("netns", "pids", name).split():
            os.kill(int(pid), signal.SIGKILL)
        ip("netns", "del", name)


class Linked(Local):
    """The tool, a rank in each namespace. mpirun enters the other one where it would call ssh."""

    def __init__(self, tool, folder):
        super().__init__(tool, folder)
        self.agent = os.path.join(folder, "agent")
        with open(self.agent, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nshift\nexec ip netns exec {NAMES[1]} unshare --uts sh -c "hostname {NAMES[1]}; $*"\n')
        os.chmod(self.agent, 0o755)
        interfaces = [word for layer in ("btl_tcp_if_include", "oob_tcp_if_include")
                      for word in ("--mca", layer, "10.77.0.0/24")]
        # mpirun waits for its daemon on the other node, which it misses by TCP's own signs of life: at first after minutes.
        keepalive = [word for name, value in (("time", 5), ("intvl", 2), ("probes", 3))
                     for word in ("--mca", f"oob_tcp_keepalive_{name}", str(value))]
        self.words = ["ip", "netns", "exec", NAMES[0], "unshare", "--uts", "sh", "-c", f'hostname {NAMES[0]}; exec "$@"', "sh",
                      "mpirun", "--host", ",".join(f"{host}:1" for host in HOSTS), "--bind-to", "none",
                      "--mca", "btl", "tcp,self", "--mca", "plm_rsh_agent", self.agent, *interfaces, *keepalive, "-n", "2"]
        self.alone = super().mpirun

    def mpirun(self, ranks, *command):
        if ranks == 1:
            return self.alone(1, *command)
        start = time.monotonic()
        done = subprocess.run(self.words + list(command), cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Refused(f"a run of two ranks failed:\n{done.stdout}")
        return time.monotonic() - start


def measure(local, link, rates):
    """Two ranks over the link, by its delay."""
    here = local.rates(rates)
    ones, launches, twos = [], {delay: [] for delay in DELAYS}, {delay: [] for delay in DELAYS}
    for _ in range(ROUNDS):
        ones.append(local.quantize(1))
        for link.delay in DELAYS:
            launches[link.delay].append(local.mpirun(2, "true"))
            twos[link.delay].append(local.quantize(2))
    here = as_measured(local, here, statistics.median(ones))
    print("| delay one way | mpirun true | measured, median and all | predicted | predicted / measured |\n"
          "|---|---|---|---|---|")
    worst = 1.0
    for delay in DELAYS:
        launch, middle = statistics.median(launches[delay]), statistics.median(twos[delay])
        linked = machine(here.with_values(launch=launch))
        linked.latency, linked.network = delay, RATE
        command = quantize_command(local.matrices, here, 1, tokens=TOKENS)
        predicted = Run(command, linked, 2).outcome().seconds
        everything = ", ".join(f"{seconds:.2f}" for seconds in sorted(twos[delay]))
        print(f"| {1000 * delay:g} ms | {launch:.2f} s | {middle:.2f} s ({everything}) | {predicted:.2f} s | "
              f"{predicted / middle:.2f} |")
        worst = max(worst, predicted / middle, middle / predicted)
    if worst > FACTOR:
        raise Refused(f"a prediction is wrong by a factor of {worst:.2f}, more than {FACTOR:g}")


def cut(local, link):
    """The link is cut when records show that both ranks work."""
    link.delay = DELAYS[0]
    state = os.path.join(local.folder, "state")
    command = [local.tool, "quantize", "--weights", "w.safetensors", "--calibration", "c.safetensors", "--grid", "int4",
               "--method", "best", "--threads", "1", "--quiet", "--overwrite", "-o", "cut.safetensors", "--state", state]
    with subprocess.Popen(local.words + command, cwd=local.folder, env=local.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as run:
        while run.poll() is None and not any(name.endswith("record") for name in
                                             (os.listdir(state) if os.path.isdir(state) else ())):
            time.sleep(0.01)
        if run.poll() is not None:
            raise Refused(f"the run ended before its link was cut:\n{run.stdout.read()}")
        link.cut, start = True, time.monotonic()
        try:
            run.wait(timeout=2 * WITHIN)
            took = time.monotonic() - start
        except subprocess.TimeoutExpired:
            took = None
            remove()
        text = run.stdout.read()
    if took is None:
        raise Refused(f"the run has not ended {2 * WITHIN:g} s after its link was cut:\n{text}")
    # Rank 0 or mpirun, whoever is first.
    told = [line.strip() for line in text.splitlines()
            if "error[E0907]" in line or ("Remote daemon" in line and HOSTS[1] in line)]
    if took > WITHIN or run.returncode == 0 or not told:
        raise Refused(f"a cut link has to end the run within {WITHIN:g} s with who is lost:\n{text}")
    print(f"the link was cut: {took:.1f} s later the run had ended with {run.returncode}: {told[0]}")
    if os.path.exists(os.path.join(local.folder, "cut.safetensors")):
        raise Refused("a run without its link has written")


def main():
    if len(sys.argv) != 2:
        print("tools/cluster_links.py HALLMARK", file=sys.stderr)
        return 2
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun") or not shutil.which("ip"):
        print("NOT RUN: two namespaces with a link (root, ip and /dev/net/tun are needed)")
        return 0
    link = None
    try:
        with tempfile.TemporaryDirectory() as folder:
            link = Link()
            link.start()
            local = Linked(sys.argv[1], folder)
            measure(local, link, Rates.read(os.path.join(HERE, "cluster_rates.json")))
            cut(local, link)
    except Refused as refused:
        print(f"cluster_links: {refused}", file=sys.stderr)
        return 1
    finally:
        if link:
            link.end()
        remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
