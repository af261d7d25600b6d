"""The walk of a guard tree over Python objects as native code: guards become rows of a table, read by one function.

A row says which step to take from an object seen before and what to expect of the object there; objects seen are
remembered by their depth in the tree.  Guards as straight code are hardly faster to run, since what takes the
time is looking up names, but each of them costs LLVM half a millisecond.

All references are borrowed.  What is looked at is held by the caller's function or by its arguments, and no
Python code runs between the first look and the last: names in namespaces are strings, whose comparison is C.
"""

from __future__ import annotations

import types as pytypes
from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Assembly, Body, Label, Value
from zyg.codegen.caller_environment import Environment
from zyg.codegen.caller_rows import DEPTH, ROW, Field
from zyg.codegen.guards import CLASSES
from zyg.codegen.machine import load, store
from zyg.ir.program import Type

WALK = "zyg.caller.walk"
NULL, TRUE, FALSE = Value("ptr", "null"), Value("i1", "true"), Value("i1", "false")
TABLE, COUNT, FUNCTION = Value("ptr", "%table"), Value("i64", "%count"), Value("ptr", "%function")
ARGS, OUT = Value("ptr", "%args"), Value("ptr", "%out")


def define_walk(assembly: Assembly, environment: Environment) -> None:
    """Add `walk(table, count, function, args, out) -> bool`: do all guards hold?  Inputs go to slots of `out`."""
    Walk(assembly, environment).emit()


class Walk:
    """The function that reads a table, under construction."""

    def __init__(self, assembly: Assembly, environment: Environment) -> None:
        self.body = Body(assembly, WALK, "i1", [TABLE, COUNT, FUNCTION, ARGS, OUT], "")
        self.environment = environment
        self.no = self.body.label("no")

    def emit(self) -> None:
        body = self.body
        seen = body.slot(DEPTH * layout.WORD)
        body.store(FUNCTION, seen)
        before, loop = body.here, body.label("loop")
        body.jump(loop)
        row = body.phi(loop, "ptr", "row")
        row.incoming.append((TABLE.ref, before.name))
        last = body.phi(loop, "i64", "left")
        last.incoming.append((COUNT.ref, before.name))
        body.here = loop
        some, done = body.label("some"), body.label("done")
        body.branch(body.compare("icmp eq", last.value, _number(0)), done, some)
        body.here = some
        self._row(row.value, seen)
        row.incoming.append((body.offset(row.value, ROW).ref, body.here.name))
        last.incoming.append((body.binary("sub", last.value, _number(1)).ref, body.here.name))
        body.jump(loop)
        body.here = done
        body.give([TRUE])
        body.here = self.no
        # A lookup that raised (in the comparison of a key that is no string, say) is a guard that doesn't hold.
        self._call("void", "PyErr_Clear")
        body.give([FALSE])
        body.finish("")

    def _row(self, row: Value, seen: Value) -> None:
        """One guard; control leaves for `no` if it does not hold."""
        body = self.body
        field = {name: body.load("i64", body.offset(row, name * layout.WORD)) for name in Field}
        place = body.value("ptr", f"getelementptr ptr, {seen}, {field[Field.DEPTH]}")
        parent = body.load("ptr", place)
        where, what = field[Field.WHERE], field[Field.WHAT]
        found = body.label("found")
        obj = body.phi(found, "ptr", "obj")
        for _ in self._switch(field[Field.STEP], STEPS):
            step = STEPS[_]
            obj.incoming.append((step(self, parent, where).ref, body.here.name))
            body.jump(found)
        body.here = found
        self._require(body.compare("icmp ne", obj.value, NULL))
        body.store(obj.value, body.offset(place, layout.WORD))
        cls = body.load("ptr", body.offset(obj.value, layout.TYPE))
