"""Results as Python objects: the code that builds what a tree describes from machine values."""

from __future__ import annotations

from collections.abc import Iterator

from numba import types

from zyg.codegen import caller_layout as layout
from zyg.codegen.assembly import Body, Label, Value
from zyg.codegen.caller_environment import Environment
from zyg.codegen.machine import Parts
from zyg.ir.program import Type
from zyg.ir.tree import ConstTree, Leaf, Tree, TupleTree

NULL = Value("ptr", "null")


class Boxer:
    """Emits the building of objects into `body`.

    Out of memory, whatever has been built is released and the function returns null, with the exception set.
    """

    def __init__(self, body: Body, environment: Environment) -> None:
        self.body = body
        self.environment = environment

    def result(self, tree: Tree, values: Iterator[Parts]) -> Value:
        """A new reference to the object."""
        if not isinstance(tree, TupleTree):
            return self._simple(tree, values)
        failed = self.body.label("failed")
        whole = self._empty(tree)
        self._fill(whole, tree, values, failed)
        going_on = self.body.label("built")
        self.body.jump(going_on)
        self.body.here = failed
        self._call("void", "Py_DecRef", whole)
        self.body.give([NULL])
        self.body.here = going_on
        return whole

    def arguments(self, numbers: list[tuple[Type, Parts]]) -> Value:
        """A new tuple of numbers."""
        tree = TupleTree(tuple(Leaf(type) for type, _ in numbers))
        return self.result(tree, iter(parts for _, parts in numbers))

    def _fill(self, whole: Value, tree: TupleTree, values: Iterator[Parts], failed: Label) -> None:
        """Put the items into a tuple as they come to exist, so that whoever releases it releases them."""
        for index, item in enumerate(tree.items):
            if isinstance(item, TupleTree):
                obj = self._checked(self._allocate(item), failed)
            else:
                obj = self._checked(self._simple(item, values), failed)
            self.body.store(obj, self.body.offset(whole, layout.TUPLE_ITEMS + index * layout.WORD))
            if isinstance(item, TupleTree):
                self._fill(obj, item, values, failed)

    def _empty(self, tree: TupleTree) -> Value:
        nothing = self.body.label("nothing")
        whole = self._checked(self._allocate(tree), nothing)
        going_on = self.body.label("allocated")
        self.body.jump(going_on)
        self.body.here = nothing
        self.body.give([NULL])
        self.body.here = going_on
        return whole

    def _allocate(self, tree: TupleTree) -> Value:
        """A tuple without items; a namedtuple's class is not asked, as it would be in unpickling."""
        size = Value("i64", str(len(tree.items)))
        if tree.cls is None:
            return self._call("ptr", "PyTuple_New", size)
        return self._call("ptr", "zyg.caller.tuple", self.environment.load(self.body, tree.cls), size)

    def _checked(self, obj: Value, failed: Label) -> Value:
        going_on = self.body.label("ok")
        self.body.branch(self.body.compare("icmp ne", obj, NULL), going_on, failed, expect=True)
        self.body.here = going_on
        return obj

    def _simple(self, tree: Tree, values: Iterator[Parts]) -> Value:
        """A number, or an object known beforehand."""
        if isinstance(tree, ConstTree):
            obj = self.environment.load(self.body, tree.value)
            self._call("void", "Py_IncRef", obj)
            return obj
        assert isinstance(tree, Leaf)
        return self.number(tree.type, next(values))

    def number(self, type: Type, parts: Parts) -> Value:
        body = self.body
        if type == types.boolean:
            return self._call("ptr", "PyBool_FromLong", body.convert("zext", parts[0], "i64"))
        if isinstance(type, types.Integer):
            return self._call("ptr", "PyLong_FromLongLong", parts[0])
        doubles = [body.convert("fpext", part, "double") for part in parts]
        if isinstance(type, types.Complex):
            return self._call("ptr", "PyComplex_FromDoubles", *doubles)
        return self._call("ptr", "PyFloat_FromDouble", *doubles)

    def _call(self, result: str, name: str, *args: Value) -> Value:
        self.body.assembly.declare(name, result, [arg.type for arg in args])
        return self.body.call(result, name, *args)
