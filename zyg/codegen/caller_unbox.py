"""Guards as code: the walk of a guard tree over Python objects, giving the inputs of the program.

All references are borrowed.  What is looked at is held by the caller's function or by its arguments, and no
Python code runs between the first look and the last: names in namespaces are strings, whose comparison is C.
"""

from __future__ import annotations

import sys
import types as pytypes

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Body, Label, Value
from zyg.codegen.caller_environment import Environment
from zyg.codegen.caller_support import EQUAL, HAS_CODE, IS_EXACTLY, NUMBERS
from zyg.codegen.guards import (
    Builtin,
    Check,
    Equal,
    Exactly,
    Guards,
    HasCode,
    Node,
    Number,
    Same,
    Step,
    TupleOf,
)
from zyg.codegen.machine import Parts, load, width

NULL = Value("ptr", "null")
SINGLETONS = (type(None), bool)


def number(value: int) -> Value:
    return Value("i64", str(value))


class Unboxer:
    """Emits the walk into `body`; control leaves it for `miss` where a guard does not hold."""

    def __init__(self, body: Body, environment: Environment, miss: Label) -> None:
        self.body = body
        self.environment = environment
        self.miss = miss
        self.may_fail = False  # could a guard leave an exception set?
        self._slots: dict[int, Value] = {}

    def inputs(self, guards: Guards, function: Value, args: Value) -> list[Parts]:
        """The program's inputs, given the function and the array of the arguments.

        Arguments come first: where several signatures alternate, their classes tell them apart at least cost.
        """
        for index, node in enumerate(guards.arguments):
            self._walk(node, self._field(args, index * layout.WORD))
        self._require_object(function)
        self._walk(guards.function, function)
        # Loaded last: a register that lives across all those calls is dear, in LLVM's time too.
        return [load(self.body, type, self._slots[slot], "") for slot, type in enumerate(guards.inputs)]

    # --- the walk -------------------------------------------------------------------------------------------

    def _walk(self, node: Node, obj: Value) -> None:
        self._check(node.check, obj)
        for step, child in node.children:
            self._walk(child, self._follow(obj, node.check, step, child.check))

    def _check(self, check: Check, obj: Value) -> None:
        """Require what is expected of an object, or of null, which is not there and fulfils nothing."""
        body = self.body
        if isinstance(check, Number):
            slot = self._slots[check.slot] = body.slot(width(check.type))
            self._ask(NUMBERS[check.type], obj, slot)
        elif isinstance(check, HasCode):
            self._ask(HAS_CODE, obj, self.environment.load(body, check.code))
        elif isinstance(check, Equal) and type(check.value) not in SINGLETONS:
            self.may_fail = True
            self._ask(EQUAL, obj, self.environment.load(body, check.value))
        elif isinstance(check, Exactly | TupleOf):
            self._ask(IS_EXACTLY, obj, self.environment.load(body, check.cls))
            if isinstance(check, TupleOf):
                size = body.load("i64", body.offset(obj, layout.TUPLE_SIZE))
                self.require(body.compare("icmp eq", size, number(check.size)))
        else:
            expected = check.value if isinstance(check, Equal) else check.obj
            self.require(body.compare("icmp eq", obj, self.environment.load(body, expected)))

    def _follow(self, obj: Value, known: Check, step: Step, wanted: Check) -> Value:
        """The object one step on, or null where there is none."""
        body = self.body
        kind, *rest = step
        if kind == "globals":
            found = self._lookup(self._field(obj, layout.FUNCTION_GLOBALS), rest[0])
            if not isinstance(wanted, Builtin):
                return found
            self.require(body.compare("icmp eq", found, NULL))
            return self._lookup(self._field(obj, layout.FUNCTION_BUILTINS), rest[0])
        if kind == "cell":
            cell = self._item(self._field(obj, layout.FUNCTION_CLOSURE), rest[0])
            return self._field(cell, layout.CELL_CONTENTS)
        if kind in ("defaults", "kwdefaults"):
            found = self._field(obj, _DEFAULTS[kind])
            return body.select(body.compare("icmp eq", found, NULL), self.environment.load(body, None), found)
        if kind == "default":
            values = self._require_object(self._field(obj, layout.FUNCTION_DEFAULTS))
            size = body.load("i64", body.offset(values, layout.TUPLE_SIZE))
            self.require(body.compare("icmp sgt", size, number(rest[0])))
            return self._item(values, rest[0])
        if kind == "kwdefault":
            return self._lookup(self._require_object(self._field(obj, layout.FUNCTION_KWDEFAULTS)), rest[0])
        if kind == "item":
            return self._item(obj, rest[0])
        if isinstance(known, Same) and isinstance(known.obj, pytypes.ModuleType):
            return self._lookup(self.environment.load(body, known.obj.__dict__), rest[0])
        cls = known.cls if isinstance(known, Exactly) else type(known.obj) if isinstance(known, Same) else object
        return self._field(obj, layout.ATTRIBUTES[cls][rest[0]])

    # --- small things ---------------------------------------------------------------------------------------

    def _field(self, obj: Value, offset: int) -> Value:
        return self.body.load("ptr", self.body.offset(obj, offset))

    def _item(self, values: Value, index: int) -> Value:
        return self._field(values, layout.TUPLE_ITEMS + index * layout.WORD)

    def _lookup(self, namespace: Value, name: str) -> Value:
        self.may_fail = True
        self.body.assembly.declare("PyDict_GetItemWithError", "ptr", ["ptr", "ptr"])
        return self.body.call(
            "ptr", "PyDict_GetItemWithError", namespace, self.environment.load(self.body, sys.intern(name))
        )

    def _ask(self, function: str, obj: Value, other: Value) -> None:
        """Go on only if a function of `caller_support` says yes."""
        self.body.assembly.declare(function, "zeroext i1", ["ptr", "ptr"])
        self.require(self.body.call("i1", function, obj, other))

    def _require_object(self, obj: Value) -> Value:
        self.require(self.body.compare("icmp ne", obj, NULL))
        return obj

    def require(self, holds: Value) -> None:
        """Go on only if it holds."""
        going_on = self.body.label("ok")
        self.body.branch(holds, going_on, self.miss, expect=True)
        self.body.here = going_on


_DEFAULTS = {"defaults": layout.FUNCTION_DEFAULTS, "kwdefaults": layout.FUNCTION_KWDEFAULTS}
