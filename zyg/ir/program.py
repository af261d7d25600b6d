"""The program form: typed, immutable SSA with block arguments in place of phi.

A `Module` is a set of named `Program`s of which one is the entry; a call names its callee, so recursion
needs no cycle of objects.  A `Program` is a function of flat scalar values: tuples, closures and the like
are taken apart when a function is read, so every `Var` here holds one machine value.  Types are Numba's.

    program f(x: float64) -> float64
      b0:
        y: float64 = sin(x)                    # f.py:3
        return y

Nothing here is ever changed in place: a pass builds new blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from numba import types

Type: TypeAlias = types.Type


@dataclass(frozen=True, slots=True)
class Pos:
    """Where in the user's source an op comes from; `caller` is the call site it was inlined at.

    reverse: it was made by the reverse sweep over that line.
    """

    file: str
    line: int
    function: str
    caller: Pos | None = None
    reverse: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class Var:
    """One SSA value; two `Var`s are the same value only if they are the same object."""

    type: Type
    name: str = ""

    def __repr__(self) -> str:
        return f"{self.name or '_'}:{self.type}"


@dataclass(frozen=True, slots=True)
class Const:
    """A literal of a machine type (int, float, complex, bool)."""

    value: int | float | complex | bool
    type: Type

    def __repr__(self) -> str:
        return f"{self.value!r}:{self.type}"


Operand: TypeAlias = Var | Const


@dataclass(frozen=True, slots=True)
class Failure:
    """How to build an exception in Python once native code has reported it.

    `build` gets the run-time values of the operands that accompany it and returns the exception.
    raised: it has been raised in Python already, and keeps its traceback.
    """

    build: Callable[..., BaseException]
    text: str
    raised: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Call:
    """The `fn` of an op that calls another program of the module.

    writes: whether it may write into buffers that it is given; if not, those that it gives are new and distinct.
    """

    callee: str
    writes: bool = True

    @property
    def __name__(self) -> str:
        return self.callee


@dataclass(frozen=True, slots=True)
class Guard:
    """The `fn` of an op `guard(ok, *values)`: raises unless `ok`."""

    failure: Failure

    @property
    def __name__(self) -> str:
        return "guard"


@dataclass(frozen=True, slots=True)
class Capture:
    """The `fn` of an op that gives the value of a lifted capture, by its number."""

    index: int
    name: str = ""

    @property
    def __name__(self) -> str:
        return f"captured{self.index}"


@dataclass(frozen=True, slots=True, eq=False)
class Callback:
    """The `fn` of an op that calls a Python function; it has no derivative.

    fn: of numbers and flat arrays, which it may write into if it `writes`; gives the numbers that are the op's results.
    """

    fn: Callable[..., Sequence[Any]]
    name: str
    writes: bool

    @property
    def __name__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """`results = fn(*args)`.  What `fn` may be is listed in `primitives`; it is also `Call` or `Guard`."""

    fn: Any
    args: tuple[Operand, ...]
    results: tuple[Var, ...]
    pos: Pos

    @property
    def result(self) -> Var:
        (var,) = self.results
        return var


def emitted(ops: list[Op], fn: object, args: tuple[Operand, ...], kind: Type, pos: Pos) -> Var:
    """The result, of type `kind`, of an op that is appended to `ops`."""
    made = Var(kind)
    ops.append(Op(fn, args, (made,), pos))
    return made


@dataclass(frozen=True, slots=True)
class Edge:
    """A transfer of control to block `target`, passing `args` to its parameters."""

    target: int
    args: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True)
class Jump:
    to: Edge


@dataclass(frozen=True, slots=True)
class Branch:
    cond: Operand
    then: Edge
    other: Edge


@dataclass(frozen=True, slots=True)
class Return:
    values: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Raise:
    failure: Failure
    args: tuple[Operand, ...]
    pos: Pos


End: TypeAlias = Jump | Branch | Return | Raise


def edges(end: End) -> tuple[Edge, ...]:
    """The outgoing edges of a terminator, in order."""
    if isinstance(end, Jump):
        return (end.to,)
    if isinstance(end, Branch):
        return (end.then, end.other)
    return ()


def with_edges(end: End, new: Callable[[Edge], Edge]) -> End:
    """`end` with each outgoing edge replaced."""
    if isinstance(end, Jump):
        return Jump(new(end.to))
    if isinstance(end, Branch):
        return Branch(end.cond, new(end.then), new(end.other))
    return end


def end_operands(end: End) -> tuple[Operand, ...]:
    """The operands of a terminator itself, without those of its edges."""
    if isinstance(end, Branch):
        return (end.cond,)
    if isinstance(end, Return):
        return end.values
    if isinstance(end, Raise):
        return end.args
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    params: tuple[Var, ...]
    ops: tuple[Op, ...]
    end: End


@dataclass(frozen=True, slots=True)
class Custom:
    """A derivative that is given.  `forward` gives the results and then what else `backward` wants kept.

    backward takes these, those arguments and results whose numbers are `kept` (results are numbered behind the
    arguments), the adjoint of each result (a number, or the shadow of a buffer), and the shadows of the arguments that
    have one, to which it adds.  It gives the cotangents of the arguments that are numbers.
    plain: forward mode differentiates the program itself.  whole: it makes no fractions of whole cotangents.
    """

    forward: str
    backward: str
    kept: tuple[int, ...] = ()
    plain: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A function.  The first block is the entry; it has no parameters of its own and no predecessors.

    apart: it is never inlined, so that its memory is free when it returns; buffers that it gives are `mem_keep`t.
    distinct: whoever calls it sees to it that parameters are different buffers if one of them is written.
    hidden: if it fails nobody sees what it has written.
    facts: see `fact`.
    """

    name: str
    params: tuple[Var, ...]
    results: tuple[Type, ...]
    blocks: Mapping[int, Block]
    recursive: bool = False
    custom: Custom | None = None
    apart: bool = False
    distinct: bool = False
    hidden: bool = False
    facts: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def entry(self) -> int:
        return next(iter(self.blocks))

    def ops(self) -> Iterator[Op]:
        for block in self.blocks.values():
            yield from block.ops

    def calls(self) -> set[str]:
        return {op.fn.callee for op in self.ops() if isinstance(op.fn, Call)}

    def with_blocks(self, blocks: Mapping[int, Block]) -> Program:
        return replace(self, blocks=blocks)

    def renamed(self, names: Mapping[str, str]) -> Program:
        """This program with its name, and those of the programs that it calls, replaced by others."""
        if all(new == old for old, new in names.items()):
            return self

        def op(old: Op) -> Op:
            if not isinstance(old.fn, Call):
                return old
            return Op(replace(old.fn, callee=names[old.fn.callee]), old.args, old.results, old.pos)

        blocks = {
            label: Block(block.params, tuple(map(op, block.ops)), block.end) for label, block in self.blocks.items()
        }
        custom = self.custom
        if custom is not None:
            custom = replace(custom, forward=names[custom.forward], backward=names[custom.backward])
        return replace(self, name=names[self.name], blocks=blocks, custom=custom)


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    programs: Mapping[str, Program]
    entry: str

    @property
    def main(self) -> Program:
        return self.programs[self.entry]

    def with_programs(self, programs: Mapping[str, Program]) -> Module:
        return Module(programs, self.entry)

    def reachable(self) -> Module:
        """The module without programs that the entry cannot reach."""
        seen: dict[str, Program] = {}
        todo = [self.entry]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen[name] = self.programs[name]
                custom = self.programs[name].custom
                todo.extend(sorted(self.programs[name].calls()))
                todo.extend((custom.forward, custom.backward) if custom else ())
        return Module(seen, self.entry)
