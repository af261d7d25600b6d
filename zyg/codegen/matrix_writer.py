"""Routines on matrices while they are written: loops, elements real or complex, arguments of BLAS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from zyg.codegen.assembly import Assembly, Body, Value
from zyg.codegen.libm import FREE_SUM
from zyg.codegen.machine import Parts, integer_constant, parts, real_constant, size, width
from zyg.codegen.memory import in_memory
from zyg.ir.program import Type
from zyg.ir.scalars import b1, c8, c16, f4, f8, i8

# The letter that BLAS has for each type
LETTERS: dict[Type, str] = {f4: "s", f8: "d", c8: "c", c16: "z"}
# and one for each of the others, which are only copied
COPIED: dict[Type, str] = {i8: "i", b1: "b"}
# The parameters that are addresses; the others are counts and strides
POINTERS = ("c", "a", "b")
ZERO, ONE = integer_constant(0), integer_constant(1)


def blas_symbol(kind: Type, name: str) -> str:
    return f"zyg.blas.{LETTERS[kind]}{name}"


@contextmanager
def repeated(b: Body, count: Value, start: Parts = ()) -> Iterator[tuple[Value, list[Parts]]]:
    """`for i in range(count)` with a state, in a list: what is written in the body appends the next one to it."""
    head, body, after = b.label("head"), b.label("body"), b.label("after")
    before = b.here
    b.jump(head)
    b.here = head
    i = b.phi(head, "i64", "i")
    phis = [b.phi(head, value.type, "sum") for value in start]
    b.branch(b.compare("icmp slt", i.value, count), body, after)
    b.here = body
    state = [tuple(phi.value for phi in phis)]
    yield i.value, state
    later = b.binary("add nuw nsw", i.value, ONE)
    i.incoming.extend([("0", before.name), (later.ref, b.here.name)])
    for phi, old, new in zip(phis, start, state[-1], strict=True):
        phi.incoming.extend([(old.ref, before.name), (new.ref, b.here.name)])
    b.jump(head)
    b.here = after


class Writer:
    """A routine on matrices of one type of element."""

    def __init__(self, assembly: Assembly, kind: Type, name: str, params: Sequence[str]) -> None:
        self.kind, self.parts, self.bytes = kind, tuple(map(in_memory, parts(kind))), width(kind)
        self.params = [Value("ptr" if p in POINTERS else "i64", f"%{p}") for p in params]
        self.b = Body(assembly, name, "void", self.params, "")

    @contextmanager
    def loop(self, count: Value) -> Iterator[Value]:
        """`for i in range(count)`."""
        with repeated(self.b, count) as (i, _):
            yield i

    def sums(self, count: Value, start: Parts) -> AbstractContextManager[tuple[Value, list[Parts]]]:
        """`for i in range(count)` with a state (see `repeated`)."""
        return repeated(self.b, count, start)

    @contextmanager
    def when(self, cond: Value, leave: bool = False) -> Iterator[None]:
        """`if cond:`; leave: and return from the routine behind it."""
        b = self.b
        then, after = b.label("then"), b.label("after")
        b.branch(cond, then, after)
        b.here = then
        yield
        if leave:
            b.give([])
        else:
            b.jump(after)
        b.here = after

    def done(self) -> None:
        """The end of the routine, which stays a function of its own where others here call it."""
        self.b.give([])
        self.b.finish("noinline nounwind")

    def all(self, *conditions: Value) -> Value:
        found = conditions[0]
        for cond in conditions[1:]:
            found = self.b.binary("and", found, cond)
        return found

    def any(self, *conditions: Value) -> Value:
        found = conditions[0]
        for cond in conditions[1:]:
            found = self.b.binary("or", found, cond)
        return found

    def at(self, base: Value, *steps: tuple[Value, Value]) -> Value:
        """The address of the element at the given indices with the given strides."""
        b = self.b
        place = ZERO
        for index, stride in steps:
            place = b.binary("add", place, b.binary("mul", index, stride))
        whole = self.parts[0] if len(self.parts) == 1 else f"{{ {self.parts[0]}, {self.parts[0]} }}"
        return b.value("ptr", f"getelementptr inbounds {whole}, {base}, {place}")

    def load(self, address: Value) -> Parts:
        step = size(self.parts[0])
        return tuple(self.b.load(part, self.b.offset(address, k * step)) for k, part in enumerate(self.parts))

    def store(self, value: Parts, address: Value) -> None:
        for k, part in enumerate(value):
            self.b.store(part, self.b.offset(address, k * size(part.type)))

    def plus(self, x: Parts, y: Parts) -> Parts:
        return tuple(self.b.binary(FREE_SUM, a, c) for a, c in zip(x, y, strict=True))

    def times(self, x: Parts, y: Parts) -> Parts:
        b = self.b
        if len(x) == 1:
            return (b.binary("fmul contract", x[0], y[0]),)
        (a, c), (d, e) = x, y
        real = b.binary("fsub contract", b.binary("fmul contract", a, d), b.binary("fmul contract", c, e))
        imag = b.binary("fadd contract", b.binary("fmul contract", a, e), b.binary("fmul contract", c, d))
        return real, imag

    def conjugate(self, x: Parts, on: Value) -> Parts:
        """The conjugate of `x` if `on` (int64) is not 0."""
        if len(x) == 1:
            return x
        turned = self.b.unary("fneg", x[1])
        return x[0], self.b.select(self.b.compare("icmp ne", on, ZERO), turned, x[1])

    def constant(self, value: float) -> Parts:
        first, *rest = self.parts
        return (real_constant(value, first), *(real_constant(0.0, part) for part in rest))

    def negated(self, cond: Value) -> Value:
        return self.b.binary("xor", cond, Value("i1", "true"))

    def turning(self, conj: Value) -> Value:
        """BLAS's letter for a matrix transposed, and conjugated if `conj`."""
        cond = self.b.compare("icmp ne", conj, ZERO)
        return self.b.select(cond, Value("i8", str(ord("C"))), Value("i8", str(ord("T"))))

    def memory(self, needless: Value, elements: Value) -> Value:
        """Zeros in memory for some elements; null where it is needless, or where there is none."""
        b = self.b
        b.assembly.declare("calloc", "noalias ptr", ["i64", "i64"], "nounwind")
        some, after = b.label("some"), b.label("after")
        before = b.here
        b.branch(needless, after, some)
        b.here = some
        data = b.call("ptr", "calloc", elements, integer_constant(self.bytes))
        b.jump(after)
        b.here = after
        phi = b.phi(after, "ptr", "memory")
        phi.incoming.extend([("null", before.name), (data.ref, some.name)])
        return phi.value

    def free(self, *data: Value) -> None:
        self.b.assembly.declare("free", "void", ["ptr"], "nounwind")
        for each in data:
            self.b.call("void", "free", each)

    def box(self, value: Value) -> Value:
        """The address of an argument, as Fortran takes all."""
        place = self.b.slot(8)
        self.b.store(value, place)
        return place

    def whole(self, value: Value) -> Value:
        """The address of a 32-bit integer."""
        return self.box(self.b.convert("trunc", value, "i32"))

    def letter(self, value: Value) -> Value:
        return self.box(value)

    def number(self, value: float) -> Value:
        place = self.b.slot(16)
        self.store(self.constant(value), place)
        return place

    def blas(self, name: str, *args: Value) -> None:
        full = blas_symbol(self.kind, name)
        self.b.assembly.declare(full, "void", ["ptr"] * len(args))
        self.b.call("void", full, *args)
