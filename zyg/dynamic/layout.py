"""Where the callable of a call lies on the stack, in the versions (3.11, 3.12) whose instructions do not tell.

It is the upper one of two places if the lower one holds NULL, and the lower one otherwise (decorators, comprehensions,
the end of a `with`).  Which of them is NULL does not depend on the way by which an instruction is reached.
"""

from __future__ import annotations

from typing import Any

from bytecode import Bytecode, Instr, Label
from bytecode.instr import TryBegin

Stack = tuple[bool, ...]  # from the bottom; True for NULL


def direct_calls(code: Bytecode) -> frozenset[int]:
    """The indices of the `CALL` instructions whose callable lies in the lower place."""
    items: list[Any] = list(code)
    labels = {id(item): index for index, item in enumerate(items) if isinstance(item, Label)}
    seen: set[int] = set()
    direct: set[int] = set()
    waiting: list[tuple[int, Stack]] = [(0, ())]
    while waiting:
        index, stack = waiting.pop()
        while index < len(items) and index not in seen:
            seen.add(index)
            item = items[index]
            if isinstance(item, TryBegin):
                depth = item.stack_depth if isinstance(item.stack_depth, int) else len(stack)
                pushed = 2 if item.push_lasti else 1
                assert isinstance(item.target, Label)
                waiting.append((labels[id(item.target)], stack[:depth] + (False,) * pushed))
            elif isinstance(item, Instr):
                if item.name == "CALL" and not stack[-int(item.arg) - 2]:  # type: ignore[arg-type]
                    direct.add(index)
                if isinstance(item.arg, Label):
                    waiting.append((labels[id(item.arg)], _after(stack, item, jump=True)))
                if item.is_final():
                    break
                stack = _after(stack, item, jump=False)
            index += 1
    return frozenset(direct)


def _after(stack: Stack, item: Instr, jump: bool) -> Stack:
    """The stack behind an instruction."""
    name = item.name
    if name == "PUSH_NULL":
        return (*stack, True)
    if name == "LOAD_GLOBAL":
        return (*stack, True, False) if item.arg[0] else (*stack, False)  # type: ignore[index]
    if name == "LOAD_METHOD" or (name == "LOAD_ATTR" and isinstance(item.arg, tuple) and item.arg[0]):
        return (*stack[:-1], True, False)
    if name == "LOAD_SUPER_ATTR":
        return (*stack[:-3], True, False) if item.arg[0] else (*stack[:-3], False)  # type: ignore[index]
    if name == "SWAP":
        depth = int(item.arg)  # type: ignore[arg-type]
        moved = list(stack)
        moved[-1], moved[-depth] = moved[-depth], moved[-1]
        return tuple(moved)
    if name == "COPY":
        return (*stack, stack[-int(item.arg)])  # type: ignore[arg-type]
    if name == "PRECALL":
        return stack
    if name == "CALL":
        return (*stack[: -int(item.arg) - 2], False)  # type: ignore[arg-type]
    if name == "CALL_FUNCTION_EX":
        return (*stack[: -3 - (int(item.arg) & 1)], False)  # type: ignore[arg-type]
    change = item.stack_effect(jump)
    return stack + (False,) * change if change >= 0 else stack[:change]
