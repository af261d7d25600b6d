"""Which accesses of a program reach different memory, as LLVM is told.

Handles of buffers and tapes that may be the same, since one is handed on as the other, are one region.  A region that
holds only what the program has allocated overlaps no other unless it was given away and some handle of unknown origin
leads back to it.  Parameters of a program that is called from outside only are different by contract.
"""

from __future__ import annotations

from dataclasses import dataclass

from zyg.codegen.assembly import Body
from zyg.ir.external import External
from zyg.ir.memory import ALLOCATIONS, WRITES, MemoryType, mem_reserve
from zyg.ir.program import Call, Callback, Op, Operand, Program, Type, Var, edges
from zyg.ir.tape import TapeType, push, tape_larger, tape_new, tape_put, tape_reserve, tape_zeros
from zyg.rules.primitives import identity, select, stop_gradient

_FRESH = ALLOCATIONS | {tape_new, tape_zeros}
_SAME = frozenset((select, identity, stop_gradient, tape_reserve, tape_larger))


def _is_handle(kind: Type) -> bool:
    return isinstance(kind, (MemoryType, TapeType))


@dataclass(slots=True, eq=False)
class _Region:
    """given: handles of unknown origin may lead to it.  incoming: it holds a parameter that may be what another is.
    unknown: it holds a handle of unknown origin.  written: somebody stores in it."""

    given: bool = False
    incoming: bool = False
    unknown: bool = False
    written: bool = False

    def absorb(self, other: _Region) -> None:
        self.given |= other.given
        self.incoming |= other.incoming
        self.unknown |= other.unknown
        self.written |= other.written

    def overlaps(self, other: _Region) -> bool:
        if self.unknown or other.unknown:
            return all(region.unknown or region.given or region.incoming for region in (self, other))
        return self.incoming and other.incoming

    @property
    def group(self) -> object:
        """Regions of one group are not told apart."""
        if self.unknown:
            return "unknown"
        if self.incoming:
            return "incoming"
        return self if self.given or self.written else "only read"


class Regions:
    """The regions of a program; `apart` says that its parameters are different buffers if one of them is written."""

    def __init__(self, program: Program, apart: bool) -> None:
        self._above: dict[Var, Var] = {}
        self._regions: dict[Var, _Region] = {}
        self._attachments: dict[object, str] = {}
        for var in program.params:
            if _is_handle(var.type):
                self._region(var).incoming = not apart
        for block in program.blocks.values():
            for op in block.ops:
                self._read(op)
            for edge in edges(block.end):
                for var, operand in zip(program.blocks[edge.target].params, edge.args, strict=True):
                    if isinstance(operand, Var) and _is_handle(var.type):
                        self._merge(var, operand)

    def _top(self, var: Var) -> Var:
        while var in self._above:
            var = self._above[var]
        return var

    def _region(self, var: Var) -> _Region:
        return self._regions.setdefault(self._top(var), _Region())

    def _merge(self, a: Var, b: Var) -> None:
        a, b = self._top(a), self._top(b)
        if a is not b:
            self._region(a).absorb(self._region(b))
            del self._regions[b]
            self._above[b] = a

    def _read(self, op: Op) -> None:
        handles = [arg for arg in op.args if isinstance(arg, Var) and _is_handle(arg.type)]
        results = [var for var in op.results if _is_handle(var.type)]
        if op.fn in _SAME:
            for result in results:
                for arg in handles:
                    self._merge(result, arg)
            return
        for result in results:
            self._region(result).unknown = op.fn not in _FRESH
        if op.fn is push or isinstance(op.fn, (Call, Callback)):
            for arg in handles:
                self._region(arg).given = True
                self._region(arg).written |= isinstance(op.fn, (Call, Callback))
        elif op.fn is tape_put:
            self._region(handles[0]).written = True
            for arg in handles[1:]:
                self._region(arg).given = True
        elif isinstance(op.fn, External):
            for arg in handles:
                self._region(arg).written = True
        elif (op.fn in WRITES or op.fn is mem_reserve) and handles:
            target = op.args[0]
            if isinstance(target, Var):
                self._region(target).written = True
            for value in op.args[1:]:
                if isinstance(value, Var) and _is_handle(value.type):
                    self._region(value).given = True

    def declare(self, b: Body) -> None:
        """At the entry of the function: the scopes, which hold for one call of it wherever it is inlined."""
        groups = {region.group: region for region in self._regions.values()}
        if len(groups) < 2 or not any(region.written for region in self._regions.values()):
            return
        b.assembly.declare(_DECLARE, "void", ["metadata"])
        domain = b.assembly.distinct_metadata()
        scopes = {group: b.assembly.distinct_metadata(domain) for group in groups}
        for group, region in groups.items():
            own = b.assembly.metadata(f"!{{{scopes[group]}}}")
            b.line(f"call void @{_DECLARE}(metadata {own})")
            others = ", ".join(scopes[g] for g, other in groups.items() if g != group and not region.overlaps(other))
            apart = b.assembly.metadata(f"!{{{others}}}")
            self._attachments[group] = f", !alias.scope {own}, !noalias {apart}"

    def attachment(self, handle: Operand) -> str:
        """What an access through `handle` says of the memory that it does not reach."""
        if not isinstance(handle, Var):
            return ""  # no handle at all, in code that is never reached
        return self._attachments.get(self._region(handle).group, "")


_DECLARE = "llvm.experimental.noalias.scope.decl"
