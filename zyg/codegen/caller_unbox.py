"""Guards as code: the walk of a guard tree over Python objects, giving the inputs of the program.

All references are borrowed.  What is looked at is held by the caller's function or by its arguments, and no
Python code runs between the first look and the last: names in namespaces are strings, whose comparison is C.
"""

from __future__ import annotations

import sys
import types as pytypes

import numpy as np
from numba import types

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Body, Label, Value
from zyg.codegen.caller_environment import Environment
from zyg.codegen.guards import (
    CLASSES,
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
from zyg.codegen.machine import Parts
from zyg.ir.program import Type

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
        self._found: dict[int, Parts] = {}

    def inputs(self, guards: Guards, function: Value, args: Value) -> list[Parts]:
        """The program's inputs, given the function and the array of the arguments.

        Arguments come first: where several signatures alternate, their classes tell them apart at least cost.
        """
        for index, node in enumerate(guards.arguments):
            self._walk(node, self._field(args, index * layout.WORD))
        self._require_object(function)
        self._walk(guards.function, function)
        return [self._found[slot] for slot in range(len(guards.inputs))]

    # --- the walk -------------------------------------------------------------------------------------------

    def _walk(self, node: Node, obj: Value) -> None:
        check = node.check
        if isinstance(check, Number):
            self._found[check.slot] = self._number(check.type, obj)
        else:
            self._check(check, obj)
        for step, child in node.children:
            self._walk(child, self._follow(obj, check, step, child.check))

    def _check(self, check: Check, obj: Value) -> None:
        if isinstance(check, Same | Builtin):
            self._require_same(obj, check.obj)
        elif isinstance(check, Exactly):
            self._require_class(obj, check.cls)
        elif isinstance(check, HasCode):
            self._require_class(obj, pytypes.FunctionType)
            self._require_same(self._field(obj, layout.FUNCTION_CODE), check.code)
        elif isinstance(check, TupleOf):
            self._require_class(obj, check.cls)
            size = self.body.load("i64", self.body.offset(obj, layout.TUPLE_SIZE))
            self.require(self.body.compare("icmp eq", size, number(check.size)))
        elif isinstance(check, Equal):
            if type(check.value) in SINGLETONS:
                self._require_same(obj, check.value)
            else:
                self.may_fail = True
                constant = self.environment.load(self.body, check.value)
                self.require(self._ask("zyg.caller.equal", obj, constant))

    def _follow(self, obj: Value, known: Check, step: Step, wanted: Check) -> Value:
        """The object one step on, which is there."""
        kind, *rest = step
        if kind == "globals":
            found = self._lookup(self._field(obj, layout.FUNCTION_GLOBALS), rest[0])
            if not isinstance(wanted, Builtin):
                return self._require_object(found)
            self.require(self.body.compare("icmp eq", found, NULL))
            return self._require_object(self._lookup(self._field(obj, layout.FUNCTION_BUILTINS), rest[0]))
        if kind == "cell":
            cell = self._item(self._field(obj, layout.FUNCTION_CLOSURE), rest[0])
            return self._require_object(self._field(cell, layout.CELL_CONTENTS))
        if kind in ("defaults", "kwdefaults"):
            found = self._field(obj, _DEFAULTS[kind])
            none = self.environment.load(self.body, None)
            return self.body.select(self.body.compare("icmp eq", found, NULL), none, found)
        if kind == "default":
            values = self._require_object(self._field(obj, layout.FUNCTION_DEFAULTS))
            size = self.body.load("i64", self.body.offset(values, layout.TUPLE_SIZE))
            self.require(self.body.compare("icmp sgt", size, number(rest[0])))
            return self._item(values, rest[0])
        if kind == "kwdefault":
            values = self._require_object(self._field(obj, layout.FUNCTION_KWDEFAULTS))
            return self._require_object(self._lookup(values, rest[0]))
        if kind == "item":
            return self._item(obj, rest[0])
        return self._attribute(obj, known, rest[0])

    def _attribute(self, obj: Value, known: Check, name: str) -> Value:
        if isinstance(known, Same) and isinstance(known.obj, pytypes.ModuleType):
            namespace = self.environment.load(self.body, known.obj.__dict__)
            return self._require_object(self._lookup(namespace, name))
        cls = known.cls if isinstance(known, Exactly) else type(known.obj) if isinstance(known, Same) else object
        return self._require_object(self._field(obj, layout.ATTRIBUTES[cls][name]))

    # --- numbers --------------------------------------------------------------------------------------------

    def _number(self, type: Type, obj: Value) -> Parts:
        if type == types.boolean:
            return (self._truth(obj),)
        if type == types.int64:
            slot = self.body.slot(8)
            self.require(self._ask("zyg.caller.integer", obj, slot))
            return (self.body.load("i64", slot),)
        self.require(self._is_one_of(obj, CLASSES[type]))
        part = "float" if type in (types.float32, types.complex64) else "double"
        parts = [self.body.load(part, self.body.offset(obj, layout.NUMBER))]
        if isinstance(type, types.Complex):
            size = 4 if part == "float" else 8
            parts.append(self.body.load(part, self.body.offset(obj, layout.NUMBER + size)))
        return tuple(parts)

    def _truth(self, obj: Value) -> Value:
        body = self.body
        true = body.compare("icmp eq", obj, self.environment.load(body, True))
        false = body.compare("icmp eq", obj, self.environment.load(body, False))
        other, done = body.label("numpy"), body.label("truth")
        before = body.here
        body.branch(body.binary("or", true, false), done, other)
        body.here = other
        self._require_class(obj, np.bool_)
        byte = body.load("i8", body.offset(obj, layout.NUMBER))
        set_ = body.compare("icmp ne", byte, Value("i8", "0"))
        phi = body.phi(done, "i1", "truth")
        phi.incoming.extend(((true.ref, before.name), (set_.ref, body.here.name)))
        body.jump(done)
        body.here = done
        return phi.value

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

    def _ask(self, function: str, obj: Value, other: Value) -> Value:
        self.body.assembly.declare(function, "i1", ["ptr", "ptr"])
        return self.body.call("i1", function, obj, other)

    def _is_one_of(self, obj: Value, classes: tuple[type, ...]) -> Value:
        cls = self._field(obj, layout.TYPE)
        answer = None
        for one in classes:
            same = self.body.compare("icmp eq", cls, self.environment.load(self.body, one))
            answer = same if answer is None else self.body.binary("or", answer, same)
        assert answer is not None
        return answer

    def _require_class(self, obj: Value, cls: type) -> None:
        self.require(self._is_one_of(obj, (cls,)))

    def _require_same(self, obj: Value, expected: object) -> None:
        self.require(self.body.compare("icmp eq", obj, self.environment.load(self.body, expected)))

    def _require_object(self, obj: Value) -> Value:
        self.require(self.body.compare("icmp ne", obj, NULL))
        return obj

    def require(self, holds: Value) -> None:
        """Go on only if it holds."""
        going_on = self.body.label("ok")
        self.body.branch(holds, going_on, self.miss, expect=True)
        self.body.here = going_on


_DEFAULTS = {"defaults": layout.FUNCTION_DEFAULTS, "kwdefaults": layout.FUNCTION_KWDEFAULTS}
