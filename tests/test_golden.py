"""The analyses and the adjoint of some programs, as text; ZYG_GOLDEN=write writes golden/ anew, to be read in the diff.

In the listings of the primal program, `*` marks ops whose results are active, `=` reads of memory that can be repeated
in the reverse sweep, and loops say what counts them and how many iterations are known in front of them.
"""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from golden_programs import PROGRAMS

import zyg
from zyg.adjoint.activity import active, differentiable, shadow_type
from zyg.ir.memory import mem_load
from zyg.ir.program import Edge, Op, Program, with_edges
from zyg.passes.canonical import canonical
from zyg.passes.memory_facts import settled
from zyg.printing.show import Names, end_text, op_text
from zyg.transformed import Called

FOLDER = Path(__file__).parent / "golden"


def analysed(program: Program) -> str:
    """A program in canonical form, with what the adjoint pass finds out about it."""
    form = canonical(program)
    number = {label: k for k, label in enumerate(form.graph.order)}
    names = Names()
    inputs = [q for q in form.program.params if differentiable(q.type) or shadow_type(q.type) is not None]
    outputs = [i for i, kind in enumerate(form.program.results) if differentiable(kind)]
    marked = active(form.program, form.graph, inputs, outputs)
    repeatable = settled(form.program, form.graph)

    def mark(op: Op) -> str:
        if any(result in marked for result in op.results):
            return "*"
        return "=" if op.fn is mem_load and repeatable(op) else " "

    params = ", ".join(f"{names.of(q)}: {q.type}" for q in form.program.params)
    lines = [f"program {form.program.name}({params})"]
    for label in form.graph.order:
        block = form.program.blocks[label]
        given = ", ".join(("*" if q in marked else "") + f"{names.of(q)}: {q.type}" for q in block.params)
        lines.append(f"  b{number[label]}({given}):" if given else f"  b{number[label]}:")
        count = form.counts.get(label)
        if count is not None:
            trips = "unknown" if count.trips is None else names.of(count.trips)
            lines.append(f"    loop: counter {names.of(count.counter)}, trips {trips}")
        lines += [f"  {mark(op)} {op_text(op, names)}" for op in block.ops]
        end = with_edges(block.end, lambda edge: Edge(number[edge.target], edge.args))
        lines.append(f"    {end_text(end, names)}")
    return "\n".join(lines)


def described(fn: Any, args: tuple[Any, ...]) -> str:
    module = Called(fn, "call").find(args)[0].lowered.module
    primal = "\n\n".join(analysed(program) for program in module.programs.values())
    return f"{primal}\n\n{zyg.inspect_adjoint(zyg.grad(fn), *args)}\n"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other bytecode orders the blocks otherwise")
@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda fn: fn.__name__)
def test_text(fn: Any) -> None:
    text = described(fn, PROGRAMS[fn])
    path = FOLDER / f"{fn.__name__}.txt"
    if os.environ.get("ZYG_GOLDEN") == "write":
        path.write_text(text)
    known = path.read_text()
    difference = "\n".join(difflib.unified_diff(known.splitlines(), text.splitlines(), "kept", "now", lineterm=""))
    assert text == known, (
        f"{difference}\nIf this is as it should be: ZYG_GOLDEN=write python -m pytest tests/test_golden.py"
    )
