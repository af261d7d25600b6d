"""More statements of `random_structures` (see `structure_forms`), most of them for dynamic mode."""

STATEMENTS: dict[str, tuple[str, ...]] = {
    "copies": (
        "o = copy.copy({o})",
        "o = copy.deepcopy({o})",
        "p = copy.copy({p})",
        "q = copy.deepcopy({q})",
        "d = copy.copy({d})",
        "{d}.update({key: v for key, v in dataclasses.asdict({p}).items() if v > {E}})",
        "l = list(dataclasses.astuple({p}))",
        "t = Pair(*dataclasses.astuple({p}))",
        "{d}.update({t}._asdict())",
        "for name, value in vars({p}).items(): {a} = math.sin({a} + value)",
        "p = Point(**{'x': {E}, 'y': {E}})",
        "{o}.__dict__.update(p={E})",
        "for name in ('p', 'v'): setattr({o}, name, math.sin(getattr({o}, name) * {E}))",
        "{a} = sum(getattr({p}, item.name) for item in dataclasses.fields({p}))",
    ),
    "library": (
        "{a} = sum(itertools.accumulate({l}, lambda s, v: math.sin(s + v)))",
        "queue = collections.deque({l}, maxlen=3)\nqueue.append({E})\nqueue.rotate(1)\n{a} = queue[0] * {E}",
        "heap = list({l})\nheapq.heapify(heap)\nheapq.heappush(heap, {E})\n{a} = heapq.heappop(heap)",
        "groups = collections.defaultdict(list)\nfor v in {l}: groups[v > 0.1].append(v)\n"
        "{a} = math.sin(sum(groups[True]) - sum(groups[False]))",
        "{a} = math.sin(sum(map(operator.mul, {l}, reversed({l}))))",
        "{a} = sum(itertools.chain({l}, {t}, {d}.values())) * 0.3",
        "{l}[:] = [math.sin(v) for v in {=l}]",
        "{a} = math.prod(itertools.islice(itertools.cycle({l} or [0.5]), 3))",
        "{a} = max({l}, default={E})",
        "{a} = min({q}, key=lambda item: (item.v, item.p)).p",
        "{a} = functools.reduce(operator.add, {l}, {E}) * 0.5",
        "{a} = next((v for v in {l} if v > 0.2), {E})",
        "{a} = {E} if any(v > 0.3 for v in {l}) else {E}",
        "u, v = (list(group) for group in zip(*(({E}, {E}), ({E}, {E}))))\n{a} = u[0] * v[1]",
        "{a} = dict(zip('xyz', {w}))['y']",
        "l = [v for pair in (({E}, {E}), {t}) for v in pair]",
        "{a} = bisect.bisect(sorted({l}), {E}) * {a}",
        "{a} = operator.methodcaller('norm')({p})",
        "{a} = remembered(n) * {a}",
        "{a} = np.mean([item.p for item in {q}])",
        "w = np.array([v for v in {l}[:3]] + [0.1] * (3 - len({=l}[:3])))",
        "w = np.stack([{w}, {w}])[{I} % 2]",
        "{a}, *rest = [*{l}, {E}]",
        "{a} = {E} or {E}",
        "{a} = {I} and {E}",
        "{a} = statistics.fmean([*{l}, {E}])",
        "{a} = abs({E}) + round({E}, 1)",
        "{a} = {E} if -0.5 < {E} < 0.5 else {E}",
        "del {l}[2:]",
        "{l} *= 1 if len({=l}) > 3 else 2",
    ),
    "state": (
        "{a} = remember({E})",
        "{a} = Counted({E}).twice().x",
        "Counted.made += 1\n{a} = {a} / Counted.made",
        "slot = Slotted({E}, {E})\nslot.x *= {E}\n{a} = slot.total({E})",
        "lazy = Lazy({E})\n{a} = lazy.square + lazy.square * lazy.other",
        "table = Table()\ntable['u'] = {E}\n"
        "table['v'] = table['u'] * {E}\n{a} = sum(table[key] for key in table) / len(table)",
        "{a} = Chained({E}).add({E}).scale({E}).value",
        "node = Node({E}, Node({E}, None))\nnode.push({E})\n{a} = node.total()",
        "matrix = [[{E}, {E}], [{E}, {E}]]\n"
        "matrix[0][1] += matrix[1][0]\n{a} = matrix[0][0] * matrix[1][1] - matrix[0][1]",
        "tree = {'left': {'v': {E}}, 'right': [{E}, {'v': {E}}]}\ntree['left']['v'] *= 0.5\n{a} = depth_first(tree)",
        "run = running({E})\nnext(run)\n{a} = run.send({E}) + run.send({E})",
        "{a} = sum(walk([{E}, [{E}, ({E},)]]))",
        "{a} = visit({p}) + visit({E}) + visit([{E}, {o}])",
        "{o}.callback = {c}\n{a} = {=o}.callback({E})",
        "{q} = [*{q}]\nwhile len({=q}) > 1 and {=q}[-1].p > 0.4: {=q}.pop()",
    ),
    "elements": (
        "cfg['w'][{I} % 2] = {E}",
        "cfg['w'] *= {E}",
        "cfg['w'][:] = {w}[1:]",
        "body.m[{I} % 2] = {E}",
        "body.m += {E}",
        "GW[{I} % 3] = {E}",
        "GW[:] = {w}",
        "GD['w'][0] += {E}",
        "{w}[:2] = cfg['w']",
        "{a} = np.sum(GW * {w}) + cfg['w'][{I} % 2] * body.m[0]",
        "scaled_in_place(cfg['w'], {E})",
        "scaled_in_place({w}, {E})",
        "scaled_in_place(body.m, {E})",
    ),
    "errors": (
        "{a} = guarded({E}, {I})",
        "try:\n    {a} = checked({E}) * {E}\nexcept Trouble as trouble:\n"
        "    {a} = trouble.value * 0.5\nelse:\n    {a} = {a} * 0.9",
        "try:\n    {l}[9] = {E}\nexcept (IndexError, KeyError): {a} = {E}\nfinally: {l}.append({E})",
        "for v in {l}[:4]:\n    try:\n"
        "        if v < 0: continue\n        {a} = math.sin({a} + v)\n    finally: {a} = {a} * 0.9",
        "with contextlib.suppress(ZeroDivisionError):\n    {a} = {E} / {I}\n    {a} = {a} / ({I} - {I})",
        "with scoped({d}) as {a}: {a} = math.sin({a} * {E})",
        "assert {l} is not None, f'{a}'",
    ),
    "callbacks": (
        "{a} = fun({E})",
        "{a} = fun(fun({E}))",
        "c = fun",
        "{a} = held.apply({E})",
        "{a} = part({E})",
        "{a} = hist[{I} % 2].norm()",
        "hist[{I} % 2].x = {E}",
        "hist.append(Point({E}, {E}))",
        "{a} = math.sin(sum(item.x * item.y for item in hist))",
        "held.g = {c}",
    ),
}
DYNAMIC = frozenset(("library", "state", "errors", "copies"))

HEAD = """

import bisect
import collections
import contextlib
import copy
import dataclasses
import heapq
import itertools
import statistics


def remember(x, history=[]):
    history.append(x)
    return history[-1] * len(history[-3:])


def scaled_in_place(v, k):
    for i in range(len(v)):
        v[i] = math.sin(v[i] * k)
    return v


@functools.lru_cache(None)
def remembered(k):
    return 0.5 * k


class Counted:
    made = 0

    def __new__(cls, *args):
        cls.made += 1
        return super().__new__(cls)

    def __init__(self, x):
        self.x = x

    def twice(self):
        return type(self)(self.x * 2.0)


class Slotted:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def total(self, k):
        return self.x * k + self.y


class Lazy:
    def __init__(self, x):
        self.x = x

    @functools.cached_property
    def square(self):
        return self.x * self.x

    def __getattr__(self, name):
        if name == "other":
            return self.x + 0.5
        raise AttributeError(name)


class Table:
    def __init__(self):
        self.items = {}

    def __setitem__(self, key, value):
        self.items[key] = math.sin(value)

    def __getitem__(self, key):
        return self.items[key]

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


class Chained:
    def __init__(self, value):
        self.value = value

    def add(self, x):
        self.value = self.value + x
        return self

    def scale(self, x):
        return Chained(self.value * x)


class Node:
    def __init__(self, v, after):
        self.v, self.after = v, after

    def push(self, v):
        node = self
        while node.after is not None:
            node = node.after
        node.after = Node(v, None)

    def total(self):
        node, s = self, 0.0
        while node is not None:
            s, node = math.sin(s + node.v), node.after
        return s


class Trouble(ValueError):
    def __init__(self, value):
        super().__init__(f"trouble {value}")
        self.value = value


def checked(x):
    if x > 0.2:
        raise Trouble(x * x)
    return x


def guarded(x, k):
    for i in range(3):
        try:
            if i == k:
                raise Trouble(x)
            x = checked(x * 0.5)
        except Trouble as error:
            return error.value * i
        finally:
            x = x + 0.1
    return x


@contextlib.contextmanager
def scoped(d):
    before = d.get("k", 0.1)
    d["k"] = before * 0.5
    try:
        yield before
    finally:
        d["k"] = math.sin(before)


def running(x):
    while True:
        y = yield x
        x = math.sin(x + y)


def walk(node):
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from walk(child)
    else:
        yield node * 0.5


@functools.singledispatch
def visit(x):
    return x * 0.5


@visit.register(list)
def _(x):
    return sum(visit(item) for item in x)


@visit.register(Body)
def _(x):
    return x.p


@visit.register(Point)
def _(x):
    return x.x * x.y


def callback(k, v):
    return lambda t: math.sin(k * t) + v[1] * t


class Held:
    def __init__(self, g, k):
        self.g, self.k = g, k

    def apply(self, x):
        return self.g(x) * self.k
"""
