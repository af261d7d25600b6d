"""The native function of one program while it is being made: its body, its context and how it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zyg.codegen.arena_layout import REPORT
from zyg.codegen.assembly import Body, Label, Phi, Value
from zyg.codegen.failures import SLOT, Sites
from zyg.codegen.machine import Parts, store
from zyg.codegen.regions import Regions
from zyg.ir.program import Failure, Op, Operand, Pos, Var


class Frame:
    """A body together with the one block that all its failures go to, and what is known of the memory it uses.

    rooms: the allocations of buffers that share rooms (see `arena`), and whether they are made in loops.
    tapes: where the tapes are that lie in the frame.
    """

    def __init__(
        self, body: Body, context: Value | None, sites: Sites, regions: Regions, rooms: Mapping[Op, bool]
    ) -> None:
        self.body = body
        self.regions = regions
        self.rooms = rooms
        self.tapes: Mapping[Op, Value] = {}
        self._context = context
        self._sites = sites
        self._exit: tuple[Label, Phi] | None = None

    @property
    def context(self) -> Value:
        if self._context is None:
            raise AssertionError(f"{self.body.name} was not given a context")
        return self._context

    def fail(self, failure: Failure, pos: Pos, operands: Sequence[Operand] = (), values: Sequence[Parts] = ()) -> None:
        """Leave the function; `values` are the registers of the operands."""
        status = Value("i32", str(self._sites.status(failure, pos, operands)))
        late = [value for operand, value in zip(operands, values, strict=True) if isinstance(operand, Var)]
        if late:
            report = self.body.load("ptr", self.body.offset(self.context, REPORT))
            for number, value in enumerate(late):
                store(self.body, value, self.body.offset(report, number * SLOT), "")
        self.leave(status)

    def leave(self, status: Value) -> None:
        """Leave the function with a status that is not 0."""
        if self._exit is None:
            label = self.body.label("fail")
            self._exit = label, self.body.phi(label, "i32", "status")
        label, phi = self._exit
        phi.incoming.append((status.ref, self.body.here.name))
        self.body.jump(label)

    def ensure(
        self, ok: Value, failure: Failure, pos: Pos, operands: Sequence[Operand] = (), values: Sequence[Parts] = ()
    ) -> None:
        """Fail unless `ok`."""
        b = self.body
        broken, fine = b.label("broken"), b.label("fine")
        b.branch(ok, fine, broken, expect=True)
        b.here = broken
        self.fail(failure, pos, operands, values)
        b.here = fine

    def pass_on(self, status: Value) -> None:
        """Fail with the status of a callee unless it is 0."""
        b = self.body
        broken, fine = b.label("broken"), b.label("fine")
        b.branch(b.compare("icmp eq", status, Value("i32", "0")), fine, broken, expect=True)
        b.here = broken
        self.leave(status)
        b.here = fine

    def begin_exit(self) -> Value | None:
        """Go to the block of failures, where the status is the value given; None if nothing can fail."""
        if self._exit is None:
            return None
        self.body.here = self._exit[0]
        return self._exit[1].value
