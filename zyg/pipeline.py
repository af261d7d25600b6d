"""The way of a function, from Python to native code.

read → inline and simplify → (adjoint → record, where a derivative is called) → lift → simplify → compile
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numba.core.compiler_lock import global_compiler_lock

from zyg.codegen.compile import Native, compile_module
from zyg.ir import python
from zyg.ir.lift import lift_captures
from zyg.ir.naming import name_parameters
from zyg.ir.program import Const, Module, Op, Operand, Type, Var
from zyg.ir.simplify import inline, simplify
from zyg.ir.specialise import Specialiser
from zyg.ir.tree import Tree
from zyg.ir.values import Path, Value, of_tree, rebuild, tree_of, variables
from zyg.ir.verify import checked_module
from zyg.rules import primitives as p

Build = Callable[[Any, list[Value]], Value]


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A function compiled for one kind of arguments."""

    native: Native
    module: Module
    result: Tree
    guards: dict[Path, tuple[str, Any]]
    inputs: tuple[Path, ...]
    kinds: tuple[tuple[int, Type], ...]


def lower(
    name: str, args: Sequence[Tree], build: Build, lifted_ints: frozenset[Path]
) -> tuple[Module, Tree, Specialiser]:
    """The module that `build` reads for arguments of these kinds."""
    spec = Specialiser(python, lifted_ints)
    values = [of_tree(tree, lambda kind: Var(kind, "")) for tree in args]
    params = tuple(v for value in values for v in variables(value) if isinstance(v, Var))
    entry, result = spec.synthetic(name, params, lambda reader: _in_variables(reader, build(reader, values)))
    spec.programs[entry] = name_parameters(spec.programs[entry], spec.programs)
    module = checked_module(Module(spec.programs, entry).reachable())
    _print("read", module)
    module = checked_module(inline(module, largest=5000))
    kinds: list[Type] = [kind for _, kind in sorted(spec.captures.inputs.values(), key=lambda pair: pair[0])]
    module = checked_module(simplify(checked_module(lift_captures(module, kinds))))
    _print("final", module)
    return module, tree_of(result), spec


def _in_variables(reader: Any, result: Value) -> Value:
    """`result`, its constants in variables too: a program returns all numbers of the tree of its result."""

    def variable(leaf: Operand) -> Operand:
        if isinstance(leaf, Const):
            var = Var(leaf.type)
            reader.ops.append(Op(p.identity, (leaf,), (var,), reader.pos))
            return var
        return leaf

    return rebuild(result, variable)


def compile_function(name: str, args: Sequence[Tree], build: Build, lifted_ints: frozenset[Path]) -> Compiled:
    """Native code for arguments of these kinds."""
    with global_compiler_lock:
        module, result, spec = lower(name, args, build, lifted_ints)
        native = compile_module(module, fast=spec.fast or frozenset())
        inputs = tuple(sorted(spec.captures.inputs, key=lambda path: spec.captures.inputs[path][0]))
        kinds = tuple(spec.captures.inputs[path] for path in inputs)
        return Compiled(native, module, result, spec.captures.guards, inputs, kinds)


def _print(stage: str, module: Module) -> None:
    """With ZYG_PRINT=read,final in the environment, the program after these stages is printed."""
    if stage in os.environ.get("ZYG_PRINT", "").split(","):
        from zyg.ir.show import show

        print(f"--- {stage}\n{show(module)}")
