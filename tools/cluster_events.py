"""What ranks of Hallmark do, as events: docs/clusters.md, src/ranks/shared_work.cpp and src/pipeline/shared_*.cpp retold in
time. Nothing is computed of the matrices. A process is a generator of steps; a step is called with what goes on after it."""
import heapq
import math
from collections import deque
from dataclasses import dataclass, field

SILENCE = 20.0  # s without a sign of life until rank 0 ends the run (shared_work.cpp)


class Clock:
    def __init__(self):
        self.now, self._events, self._count = 0.0, [], 0

    def at(self, time, call):
        self._count += 1
        heapq.heappush(self._events, (time, self._count, call))

    def run(self):
        while self._events:
            self.now, _, call = heapq.heappop(self._events)
            call()

    def after(self, seconds):
        return lambda go: self.at(self.now + seconds, go)

    def start(self, steps):
        def go():
            step = next(steps, None)
            if step is not None:
                step(go)

        self.at(self.now, go)

    def together(self, steps):
        """Goes on when every one of the steps is done."""

        def step(go):
            left = len(steps)

            def one_less():
                nonlocal left
                left -= 1
                if left == 0:
                    go()

            for each in steps:
                each(one_less)

        return step if len(steps) > 1 else steps[0] if steps else self.after(0.0)


def spread(jobs, shares):
    """(s, bytes) of jobs, the largest first, each into the share with the fewest bytes so far (shared_digests.cpp)."""
    spread_out, loads = [[] for _ in range(shares)], [(0.0, share) for share in range(shares)]
    for job in sorted(jobs, key=lambda job: -job[1]):
        size, least = heapq.heappop(loads)
        spread_out[least].append(job)
        heapq.heappush(loads, (size + job[1], least))
    return spread_out


class Share:
    """Something that its users share evenly: the cores of a node, a disk. Users that ask for less than there is do not
    slow each other down. In its own time each user goes at full speed, so that users end in an order that stays."""

    def __init__(self, clock, capacity):
        self._clock, self._capacity = clock, capacity
        self._own, self._since, self._demand = 0.0, 0.0, 0.0
        self._users, self._plan, self._count = [], 0, 0

    def using(self, amount, most):
        """A step: `amount` of it, at most `most` a second."""

        def step(go):
            self._advance()
            self._demand += most
            self._count += 1
            heapq.heappush(self._users, (self._own + amount / most, self._count, most, go))
            self._look_ahead()

        return step

    def _pace(self):
        return min(1.0, self._capacity / self._demand) if self._demand > 0 else 1.0

    def _advance(self):
        self._own += (self._clock.now - self._since) * self._pace()
        self._since = self._clock.now

    def _look_ahead(self):
        self._plan += 1
        if self._users:
            plan = self._plan
            ends = self._clock.now + max(0.0, self._users[0][0] - self._own) / self._pace()
            self._clock.at(ends, lambda: self._end(plan))

    def _end(self, plan):
        if plan != self._plan:
            return  # somebody came or went since
        self._advance()
        self._own = max(self._own, self._users[0][0])
        while self._users and self._users[0][0] <= self._own:
            _, _, most, go = heapq.heappop(self._users)
            self._demand -= most
            self._clock.at(self._clock.now, go)
        if not self._users:
            self._demand = 0.0  # no rounding stays
        self._look_ahead()


class Signal:
    """Wakes all who wait, who look again whether what they wait for is there."""

    def __init__(self, clock):
        self._clock, self._waiting = clock, []

    def wait(self, go):
        self._waiting.append(go)

    def give(self):
        waiting, self._waiting = self._waiting, []
        for go in waiting:
            self._clock.at(self._clock.now, go)


@dataclass
class Item:
    """A matrix of `quantize`, or a chunk of a weight's tokens of `gram`. Seconds are those of one thread that nobody
    disturbs, but for `work`."""

    cost: float  # by which items are handed out
    work: float  # s of its rank with all of its threads
    beside: float = 0.0  # s beside it
    read: float = 0.0  # bytes of inputs
    reading: float = 0.0  # s to look at them and widen them
    sent: float = 0.0  # bytes that come back, which are those of a record too
    kept: float = 0.0  # s to keep it in the state, or to take it from there
    taken: float = 0.0  # s of rank 0 before it is written
    written: float = 0.0  # bytes of outputs
    writing: float = 0.0  # s to write it
    large: bool = False  # written before the next is begun
    inputs: tuple = ()  # (s, bytes) to hash its part of each input


@dataclass
class Command:
    items: list
    ahead: int  # items for each rank that are handed out before their turn
    ahead_bytes: float = 0.0  # also more, while all that wait are no more bytes than this and than `ahead` of the largest
    files: tuple = ()  # (s, bytes) of what several ranks hash, each on one thread; else all of each input
    one_rank_hashes: str = "never"  # "beside" the work; "in turn", before each item, where there is a state
    write_beside: bool = False  # by a thread of its own, one item behind; else in line
    look: tuple = (0.0, 0.0)  # (s, bytes): rank 0 reads every number before the work
    passing: tuple = (0.0, 0.0)  # (s, bytes): what is written unchanged
    after: tuple = (0.0, 0.0)  # (s, bytes): rank 0 reads the outputs again

    def hashing(self):
        return self.files or [tuple(map(sum, zip(*parts))) for parts in zip(*[item.inputs for item in self.items])]


@dataclass
class Machine:
    """Ranks on nodes: one on each, or all on one."""

    threads: int  # of a rank
    cores: int  # of a node
    node_disk: float = math.inf  # bytes a second that one rank gets
    shared_disk: float = math.inf  # that all get together; infinite where each has its own
    network: float = math.inf  # bytes a second into rank 0
    latency: float = 0.0
    poll: float = 0.0  # s until a message is looked at
    launch: float = 0.0  # s of mpirun
    rank_start: float = 0.0  # s of one thread, of each rank
    one_node: bool = False


@dataclass
class Outcome:
    seconds: float = 0.0
    start: float = 0.0  # until the first item is begun
    made: float = 0.0  # until the last item is at rank 0
    arrived: list = field(default_factory=list)  # of every item: until it is there, and kept


class Run:
    """One run of a command from mpirun to its end. `there` are the items that the state has from the run before."""

    def __init__(self, command, machine, ranks, state=False, there=()):
        self.command, self.machine, self.ranks, self.state = command, machine, ranks, state
        self.there = frozenset(there)
        self.clock = Clock()
        nodes = 1 if machine.one_node else ranks
        self.cores = [Share(self.clock, machine.cores) for _ in range(nodes)]
        apart = math.isinf(machine.shared_disk)
        disk = machine.node_disk if apart else machine.shared_disk
        self.disks = [Share(self.clock, disk) for _ in range(nodes if apart else 1)]
        self.made = [item in self.there for item in range(len(command.items))]
        self.first = self.passed = 0  # the item that is taken next, and as the window knows it
        self.offered = 0  # those below were in the window
        self.ahead, self.ahead_bytes = 0, 0.0  # of the window, without what was there
        largest = max(item.sent for item in command.items)
        self.most_bytes = min(command.ahead_bytes, command.ahead * ranks * largest)
        self.window = []  # what is to be begun, the costliest first
        self.hashed = [0] * len(command.items[0].inputs)  # one rank, beside the work: items of each input
        threads = max(2, machine.threads)
        shares = spread(command.hashing(), ranks if machine.one_node else 1) if ranks > 1 else []
        self.hashing = [[sum(s for s, _ in lane) for lane in spread(share, threads)] for share in shares]
        self.hashed_bytes = [sum(size for _, size in share) for share in shares]
        self.agreements = 0
        self.writing = self.handing = False
        self.queue, self.free, self.handed = deque(), [], {}
        self.agreed, self.changed, self.came = (Signal(self.clock) for _ in range(3))
        self.kept_early = set(self.there)
        self.out = Outcome(arrived=[0.0 if there else math.inf for there in self.made])

    def outcome(self):
        for rank in range(self.ranks):
            self.clock.start(self._rank(rank))
        if self.ranks > 1:
            self.clock.start(self._answer())
        self.clock.run()
        if self.out.seconds == 0:
            raise RuntimeError("the ranks wait for each other")
        self.out.made = max(self.out.arrived)
        return self.out

    # Steps.

    def _thread(self, rank, seconds, size=0.0):
        """One thread computes, while its bytes come or go."""
        steps = [self.cores[rank % len(self.cores)].using(seconds, 1.0)] if seconds > 0 else []
        return self.clock.together(steps + self._bytes(rank, size))

    def _bytes(self, rank, size):
        unlimited = math.isinf(self.machine.node_disk) or size == 0
        return [] if unlimited else [self.disks[rank % len(self.disks)].using(size, self.machine.node_disk)]

    def _make(self, rank, index):
        item, threads = self.command.items[index], self.machine.threads
        yield self._thread(rank, item.reading, item.read)
        work = [self.cores[rank % len(self.cores)].using(item.work * threads, threads)]
        beside = [self.cores[rank % len(self.cores)].using(item.beside, 1.0)] if item.beside > 0 else []
        yield self.clock.together(work + beside)

    def _keep(self, index):
        item = self.command.items[index]
        return self._thread(0, item.kept, item.sent)

    # Every rank.

    def _rank(self, rank):
        yield self.clock.after(self.machine.launch)
        yield self._thread(rank, self.machine.rank_start)
        if rank == 0:
            yield self._thread(0, *self.command.look)
        if self.ranks > 1:
            messages = 2 * (self.machine.poll + self.machine.latency)  # who shares with whom; then the digests
            yield self.clock.after(messages)
            yield self._hash_share(rank)
            yield self.clock.after(messages)
            self.agreements += 1
            if self.agreements == self.ranks:
                self.agreed.give()
            else:
                yield self.agreed.wait
            yield self.clock.after(self.machine.poll + self.machine.latency)
        elif self.command.one_rank_hashes == "beside":
            for which in range(len(self.hashed)):
                self.clock.start(self._hash(which))
        yield from self._take_all() if rank == 0 else self._help(rank)

    def _hash_share(self, rank):
        """Those of one machine share the files; the threads of a rank share its own."""
        place = rank if self.machine.one_node else 0
        cores = self.cores[rank % len(self.cores)]
        lanes = [cores.using(seconds, 1.0) for seconds in self.hashing[place] if seconds > 0]
        return self.clock.together(lanes + self._bytes(rank, self.hashed_bytes[place]))

    def _hash(self, which):
        for item in self.command.items:
            yield self._thread(0, *item.inputs[which])
            self.hashed[which] += 1
            self.changed.give()

    # Other ranks, and who answers them.

    def _help(self, rank):
        came, made = Signal(self.clock), None
        while True:
            self.handed[rank] = came
            self.queue.append((rank, made))
            self.came.give()
            yield came.wait
            made = self.handed[rank]
            if made is None:
                return
            yield from self._make(rank, made)

    def _answer(self):
        while True:
            if not self.queue:
                yield self.came.wait
                yield self.clock.after(self.machine.poll)
                continue
            rank, index = self.queue.popleft()
            size = 0.0 if index is None else self.command.items[index].sent
            ways = 3 if size > 0 else 1  # a result: MPI says that there is one, and waits for the answer
            yield self.clock.after(ways * self.machine.latency + size / self.machine.network)
            if index is not None:
                # The sum that gram waits for is kept when it is taken.
                if self.state and (self.command.write_beside or index != self.first):
                    self.kept_early.add(index)
                    yield self._keep(index)
                self._enter(index)
            self.free.append(rank)
            self._serve()

    def _serve(self):
        while self.free and self.handing:
            index = self._choose()
            if index is None and self.offered < len(self.made):
                return  # the window has to move first
            rank = self.free.pop()
            came, self.handed[rank] = self.handed[rank], index
            self.clock.at(self.clock.now + self.machine.poll + self.machine.latency, came.give)

    def _move_window(self):
        items = self.command.items
        for index in range(self.passed, self.first):
            if index < self.offered and index not in self.there:
                self.ahead -= 1
                self.ahead_bytes -= items[index].sent
        self.passed = self.first
        self.offered = max(self.offered, self.first)
        while self.offered < len(items):
            if self.offered not in self.there:
                size = self.ahead_bytes + items[self.offered].sent
                if self.ahead >= self.command.ahead * self.ranks and (self.most_bytes == 0 or size > self.most_bytes):
                    return
                self.ahead += 1
                self.ahead_bytes = size
                heapq.heappush(self.window, (-items[self.offered].cost, self.offered))
            self.offered += 1

    def _choose(self):
        self._move_window()
        return heapq.heappop(self.window)[1] if self.window else None

    def _enter(self, index):
        self.made[index] = True
        self.out.arrived[index] = self.clock.now
        self.changed.give()

    # Rank 0.

    def _take_all(self):
        command = self.command
        self.out.start = self.clock.now
        if self.there and self.ranks > 1:  # every record is read and judged before anything is handed out
            records = [command.items[index] for index in sorted(self.there)]
            yield self._thread(0, sum(item.kept for item in records), sum(item.sent for item in records))
        self.handing = True
        if command.passing[1] > 0:
            self._begin_writing(*command.passing)
        for index, item in enumerate(command.items):
            self.first = index
            self._serve()
            if index in self.there:
                yield from self._hashed(index)
                yield self._keep(index)
            else:
                yield from self._own(index) if self.ranks == 1 else self._shared(index)
            yield self._thread(0, item.taken)
            yield from self._written()
            self._begin_writing(item.writing, item.written)
            if item.large or not command.write_beside:
                yield from self._written()
        yield from self._written()
        yield self._thread(0, *command.after)
        self.out.seconds = self.clock.now

    def _own(self, index):
        if self.command.one_rank_hashes == "in turn":
            yield from self._hashed(index)
        yield from self._make(0, index)
        if self.command.one_rank_hashes == "beside":
            yield from self._hashed(index)
        if self.state:
            yield self._keep(index)
        self._enter(index)

    def _hashed(self, index):
        """One rank has no agreement, but a state and a container name the inputs."""
        if self.ranks == 1 and self.command.one_rank_hashes == "in turn" and self.state:
            for part in self.command.items[index].inputs:
                yield self._thread(0, *part)
        while self.ranks == 1 and self.command.one_rank_hashes == "beside" and min(self.hashed) <= index:
            yield self.changed.wait

    def _shared(self, index):
        while not self.made[index]:
            own = self._choose()
            if own is None:
                yield self.changed.wait
                continue
            yield from self._make(0, own)
            if self.state and (self.command.write_beside or own != index):
                self.kept_early.add(own)
                yield self._keep(own)
            self._enter(own)
        if self.state and index not in self.kept_early:
            yield self._keep(index)
            self.out.arrived[index] = self.clock.now

    def _written(self):
        while self.writing:
            yield self.changed.wait

    def _begin_writing(self, seconds, size):
        self.writing = True
        self.clock.start(self._write(seconds, size))

    def _write(self, seconds, size):
        yield self._thread(0, seconds, size)
        self.writing = False
        self.changed.give()


def cost_of_a_death(command, machine, ranks, whole, moments=4):
    """Seconds that one lost node costs in the mean over moments of a run with a state, `whole`: rank 0 ends the run when it
    misses the rank, and the same command goes on with what the state has."""
    extra = 0.0
    for k in range(moments):
        died = whole.seconds * (k + 0.5) / moments
        there = [index for index, arrived in enumerate(whole.arrived) if arrived <= died]
        rest = Run(command, machine, ranks, state=True, there=there).outcome()
        extra += died + SILENCE + rest.seconds - whole.seconds
    return extra / moments
