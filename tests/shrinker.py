"""The smallest program that still fails in the same way, by dropping statements and simplifying expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from trial import Failure

_BODIES = ("body", "orelse")


def _statement_lists(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for part in _BODIES:
            statements = getattr(node, part, None)
            if isinstance(statements, list):
                yield statements


def _smaller_statements(tree: ast.Module) -> Iterator[None]:
    """Apply one change after another to `tree`, each undone before the next."""
    for statements in list(_statement_lists(tree)):
        original = list(statements)
        for size in (8, 4, 2, 1):
            for start in range(0, len(original), size):
                kept = original[:start] + original[start + size :]
                statements[:] = kept or [ast.Pass()]
                yield
        for i, statement in enumerate(original):
            for part in _BODIES:
                inner = getattr(statement, part, None)
                if isinstance(inner, list) and inner and not isinstance(statement, ast.FunctionDef):
                    statements[:] = original[:i] + inner + original[i + 1 :]
                    yield
        statements[:] = original


def _smaller_expressions(tree: ast.Module) -> Iterator[None]:
    for node in list(ast.walk(tree)):
        for field, value in list(ast.iter_fields(node)):
            if isinstance(value, ast.expr) and not isinstance(node, ast.keyword) and field != "target":
                yield from _tried(node, field, value)
            if isinstance(value, list) and value and isinstance(value[0], ast.expr):
                for i, item in enumerate(value):
                    for simpler in _simpler(item):
                        value[i] = simpler
                        yield
                    value[i] = item


def _tried(node: ast.AST, field: str, value: ast.expr) -> Iterator[None]:
    for simpler in _simpler(value):
        setattr(node, field, simpler)
        yield
    setattr(node, field, value)


def _simpler(e: ast.expr) -> Iterator[ast.expr]:
    """Candidates for an expression, simplest first."""
    if isinstance(e, ast.Constant | ast.Name) or isinstance(getattr(e, "ctx", None), ast.Store):
        return
    for name in ("x", "p", "t"):
        yield ast.Name(name, ast.Load())
    yield ast.Constant(0.5)
    for child in ast.iter_child_nodes(e):
        if isinstance(child, ast.expr):
            yield child


def shrunk(trial: Any, subject: Any, failure: Failure) -> tuple[Any, Failure]:
    """A case as small as one change at a time can make it, with its failure; `trial` is the module that tries it."""
    subject = replace(trial.at_point(subject, failure.point), aspects=(failure.aspect,))
    progress = True
    while progress:
        progress = False
        for changes in (_smaller_statements, _smaller_expressions):
            tree = ast.parse(subject.source)
            for _ in changes(tree):
                source = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
                found = _still_fails(trial, subject, source, failure) if len(source) < len(subject.source) else None
                if found is not None:
                    subject, failure = found
                    progress = True
                    break
            if progress:
                break
    return subject, failure


def _still_fails(trial: Any, subject: Any, source: str, failure: Failure) -> tuple[Any, Failure] | None:
    try:
        candidate = trial.at_other_text(subject, source)
    except Exception:
        return None  # not a program any more, or no fair test
    again = trial.isolated_verdict(candidate, seconds=10)
    return (candidate, again) if again is not None and again.kind == failure.kind else None
