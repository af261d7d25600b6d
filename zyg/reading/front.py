"""Python bytecode to Numba's IR.

Numba's interpreter knows every CPython version's bytecode; it is run here on a code object alone, without
resolving names: globals and free variables stay names, for the reader to look up where the function lives.
Three things that Numba reads differently from Python are corrected: cells of local variables that are not
assigned yet (recursive closures), keyword-only defaults of nested functions, and rebound `nonlocal` names,
which Numba silently reads as their frozen value and which are refused.
"""

from __future__ import annotations

import dis
import linecache
import re
import sys
import types
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from numba.core import bytecode, errors, interpreter
from numba.core import ir as nir

from zyg.errors import UnsupportedError, unsupported
from zyg.ir.program import Pos
from zyg.reading.generators import as_function, form_of
from zyg.reading.tracing import Reader, without_cleanup


class LookUp:
    """Value of a `Global` that the reader has to look up by name."""


class CellName(str):
    """Value of a `Const` that stands for the cell of a local or free variable of this name."""

    __slots__ = ()


class Unassigned:
    """Value of a `Const` stored in a cell variable before its first assignment."""


def position(code: types.CodeType, line: int, caller: Pos | None = None) -> Pos:
    name = getattr(code, "co_qualname", code.co_name).split("<locals>.")[-1]
    return Pos(code.co_filename, line, name, caller)


def start(code: types.CodeType) -> Pos:
    """The line of a function's `def`: its code begins with the decorators."""
    for line in range(code.co_firstlineno, code.co_firstlineno + _MOST_DECORATORS):
        if linecache.getline(code.co_filename, line).lstrip().startswith(("def ", "async def ")):
            return position(code, line)
        if code.co_name.startswith("<"):
            break
    return position(code, code.co_firstlineno)


_MOST_DECORATORS = 50


def definition(fn: Any) -> Pos:
    """Where a callable is defined."""
    for inner in ("fn", "func", "py_func", "__func__"):
        while not isinstance(fn, (types.FunctionType, type)) and hasattr(fn, inner):
            fn = getattr(fn, inner)
    called = fn if isinstance(fn, types.FunctionType) else vars(type(fn)).get("__call__")
    code = getattr(called, "__code__", None)
    if code is None:
        return Pos("", 0, getattr(fn, "__name__", type(fn).__name__))
    return start(code)


def _name_appends(func_ir: Any) -> None:
    """Lists that become tuples at once, as by `f(*args, x)`, are built by the name that Numba's rewriting looks for."""
    values = [stmt.value for block in func_ir.blocks.values() for stmt in block.find_insts(nir.Assign)]
    exprs = [value for value in values if isinstance(value, nir.Expr)]
    tuples = {expr.info[0] for expr in exprs if expr.op == "list_to_tuple"}
    for expr in exprs:
        if expr.op == "getattr" and expr.attr == "<append>" and expr.value.name in tuples:
            expr.attr = "append"


class _Interpreter(Reader):
    def init_first_block(self) -> None:
        Reader.init_first_block(self)
        for name in self.code_cellvars:
            if name not in self.arg_names:
                self.store(nir.Const(Unassigned, loc=self.loc), name)

    def _remove_unused_temporaries(self) -> None:
        """Numba would drop a temporary that is assigned to a variable and used again, as by `(y := f(x)) > 1`."""

    def post_process(self, peepholes: list[Any], func_ir: Any) -> Any:
        # The reader handles f(*args, **kwargs) itself; this rewrite refuses most forms of it.
        refusing = interpreter.peep_hole_call_function_ex_to_call_function_kw
        kept = [peephole for peephole in peepholes if peephole is not refusing]
        _name_appends(func_ir)
        return Reader.post_process(self, kept, func_ir)

    def _variable(self, inst: Any) -> str:
        code = self.func_id.code
        if hasattr(code, "_varname_from_oparg"):
            return str(code._varname_from_oparg(inst.arg))
        names = code.co_cellvars + code.co_freevars
        return str(names[inst.arg])

    def op_LOAD_GLOBAL(self, inst: Any, idx: int | None = None, res: str = "") -> None:
        name = self.code_names[inst.arg if idx is None else idx]
        self.store(nir.Global(name, LookUp, loc=self.loc), res)

    def op_LOAD_DEREF(self, inst: Any, res: str) -> None:
        name = self._variable(inst)
        if name in self.code_freevars:
            self.store(nir.FreeVar(self.code_freevars.index(name), name, LookUp, loc=self.loc), res)
        else:
            self.store(self.get(name), res)

    op_LOAD_CLASSDEREF = op_LOAD_DEREF

    if sys.version_info >= (3, 13):

        def op_LOAD_FAST(self, inst: Any, res: str, as_load_deref: bool = False) -> None:
            """Of a cell, for a function that captures it: it may be empty yet."""
            if as_load_deref:
                self.op_LOAD_CLOSURE(inst, res)
            else:
                interpreter.Interpreter.op_LOAD_FAST(self, inst, res)

        op_LOAD_FAST_BORROW = op_LOAD_FAST

    if sys.version_info >= (3, 14):

        def op_LOAD_COMMON_CONSTANT(self, inst: Any, res: str, idx: int) -> None:
            """What CPython compares with the functions `any`, `all`, … before it runs loops in their places: they are
            said to be others, so that the calls are read."""
            common = dis._common_constants[idx]  # type: ignore[attr-defined]
            if common in (tuple, all, any, list, set):
                self.store(nir.Const(common.__name__, loc=self.loc), res)
            else:
                interpreter.Interpreter.op_LOAD_COMMON_CONSTANT(self, inst, res, idx)

    def op_LOAD_CLOSURE(self, inst: Any, res: str) -> None:
        self.store(nir.Const(CellName(self._variable(inst)), loc=self.loc), res)

    def op_STORE_DEREF(self, inst: Any, value: str) -> None:
        name = self._variable(inst)
        if name in self.code_freevars:
            raise unsupported(
                f"{name!r} is rebound by a nested function (nonlocal), which native code cannot follow",
                position(self.func_id.code, self.loc.line),
                "Return the new value instead.",
            )
        self.store(value=self.get(value), name=name)

    def op_LIST_APPEND(self, inst: Any, target: str, value: str, appendvar: str, res: str) -> None:
        """As Numba does it, by a name that only comprehensions have."""
        self.store(nir.Expr.getattr(self.get(target), "<append>", loc=self.loc), appendvar)
        self.store(nir.Expr.call(self.get(appendvar), (self.get(value),), (), loc=self.loc), res)

    def op_MAP_ADD(self, inst: Any, target: str, key: str, value: str, setitemvar: str, res: str) -> None:
        self.store(nir.Expr.getattr(self.get(target), "<put>", loc=self.loc), setitemvar)
        self.store(nir.Expr.call(self.get(setitemvar), (self.get(key), self.get(value)), (), loc=self.loc), res)

    def op_DELETE_DEREF(self, inst: Any) -> None:
        self.store(nir.Const(Unassigned, loc=self.loc), self._variable(inst))

    def op_MAKE_FUNCTION(
        self,
        inst: Any,
        name: Any,
        code: Any,
        closure: Any,
        annotations: Any,
        annotate: Any = None,
        kwdefaults: Any = None,
        defaults: Any = None,
        res: Any = None,
    ) -> None:
        (const,) = self.definitions[code][:1]
        if isinstance(defaults, tuple):
            defaults = tuple(self.get(item) for item in defaults)
        elif defaults:
            defaults = self.get(defaults)
        expr = nir.Expr(
            op="make_function",
            loc=self.loc,
            name=None,
            code=const.value,
            closure=self.get(closure) if closure else None,
            defaults=defaults or None,
            kwdefaults=self.get(kwdefaults) if kwdefaults else None,
        )
        self.store(expr, res)


class _Identity(bytecode.FunctionIdentity):
    """Identity of a code object: Numba makes them of functions only, and searches modules for it."""

    def __init__(self, code: types.CodeType) -> None:
        cells = tuple(types.CellType() for _ in code.co_freevars)
        self.func = types.FunctionType(code, {}, code.co_name, None, cells)
        self.func_qualname = getattr(code, "co_qualname", code.co_name)
        self.func_name = code.co_name
        self.code = code
        self.module = None
        self.modname = "zyg"
        self.is_generator = False
        self.pysig = None
        self.filename = code.co_filename
        self.firstlineno = code.co_firstlineno
        self.arg_names = parameter_names(code)
        self.arg_count = len(self.arg_names)
        self.unique_name = code.co_name
        self.unique_id = 0


def parameter_names(code: types.CodeType) -> list[str]:
    """All parameters in the order of the frame's locals: positional, keyword-only, *args, **kwargs."""
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return ["implicit0" if name == ".0" else name for name in code.co_varnames[:count]]


ORIGINALS: dict[int, types.CodeType] = {}
"""What a code object was before another mode rewrote it, by the id of the new one, which lives on."""


@lru_cache(maxsize=4096)
def numba_ir(code: types.CodeType) -> nir.FunctionIR:
    """Numba's untyped IR of a code object.

    Raises UnsupportedError, naming the line, for constructs that Numba's interpreter does not read.
    """
    code = ORIGINALS.get(id(code), code)
    here = start(code)
    form = form_of(code)
    if code.co_flags & 0x2A0 and form is None:
        raise unsupported("generators and coroutines cannot be compiled", here, "Use a loop.")
    if code.co_name == "<setcomp>":
        raise unsupported("set comprehensions cannot be compiled", here, "Use a loop.")
    try:
        identity = _Identity(code)
        identity.is_generator = form is not None
        read = without_cleanup(bytecode.ByteCode(identity))
        found: nir.FunctionIR = _Interpreter(identity).interpret(read)
        return found if form is None else as_function(found, form)
    except UnsupportedError:
        raise
    except (errors.NumbaError, errors.UnsupportedBytecodeError) as error:
        raise _refusal(error, here, code) from None
    except (NotImplementedError, KeyError, AssertionError, ValueError) as error:
        raise unsupported(f"this function uses a construct that cannot be compiled: {error}", here) from None


_EXPRESSIONS = frozenset(
    ("binop", "unary", "call", "getattr", "getitem", "static_getitem", "build_tuple", "cast", "exhaust_iter")
)
_MOST_STATEMENTS = 80


@lru_cache(maxsize=4096)
def is_expression(code: types.CodeType) -> bool:
    """Whether a function is a few expressions, one after the other, none of which writes by itself."""
    if code.co_flags & 0x2A0 or code.co_cellvars:
        return False
    try:
        blocks = numba_ir(code).blocks
    except UnsupportedError:
        return False
    body = next(iter(blocks.values())).body
    return len(blocks) == 1 and len(body) <= _MOST_STATEMENTS and all(map(_is_plain, body))


@lru_cache(maxsize=4096)
def is_arithmetic(code: types.CodeType) -> bool:
    """Whether a function is arithmetic of its arguments and of what it captures, without calls and memory."""
    if not is_expression(code):
        return False
    body = next(iter(numba_ir(code).blocks.values())).body
    exprs = [stmt.value for stmt in body if isinstance(stmt, nir.Assign) and isinstance(stmt.value, nir.Expr)]
    return all(expr.op in ("binop", "unary", "cast") for expr in exprs)


def _is_plain(stmt: Any) -> bool:
    if isinstance(stmt, nir.Assign):
        return not isinstance(stmt.value, nir.Expr) or stmt.value.op in _EXPRESSIONS
    return isinstance(stmt, (nir.Del, nir.Return))


def _refusal(error: Exception, here: Pos, code: types.CodeType) -> UnsupportedError:
    """What Numba's interpreter does not read, in words, at its line."""
    text = str(error).strip().splitlines()[0]
    line = getattr(getattr(error, "loc", None), "line", None)
    raised = re.search(r"\.* Raised from (?:None|.*\((\d+)\))$", text)
    if raised:
        text = text[: raised.start()]
        line = line or int(raised[1] or 0)
    pos = position(code, line) if line else here
    opcode = re.search(r"opcode \((\w+)\)", text)
    if opcode:
        words = next((words for names, words in _CONSTRUCTS.items() if opcode[1].startswith(names)), None)
        text = f"{words or opcode[1]} cannot be compiled"
    unassigned = re.search(r"Variable '(\w+)' is not defined", text)
    if unassigned:
        return unsupported(f"local variable {unassigned[1]!r} is read before it is assigned", pos, "Assign it first.")
    if "with (context manager)" in text:
        pos = next((position(code, line) for name, line in _lines(code) if name in _WITH), pos)
        return unsupported("with statements cannot be compiled", pos, "Move it out of the differentiated function.")
    return unsupported(text, pos)


def _lines(code: types.CodeType) -> Iterator[tuple[str, int]]:
    """The instructions' names and lines."""
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = instruction.starts_line if type(instruction.starts_line) is int else line
        line = getattr(instruction, "line_number", None) or line
        yield instruction.opname, line


_WITH = ("BEFORE_WITH", "SETUP_WITH", "LOAD_SPECIAL")
_CONSTRUCTS: dict[tuple[str, ...], str] = {
    ("STORE_GLOBAL", "DELETE_GLOBAL"): "assignment to a global",
    ("LOAD_BUILD_CLASS",): "a class statement",
    ("MATCH", "GET_LEN", "COPY_DICT"): "a match on patterns",
    ("BEFORE_WITH", "SETUP_WITH", "LOAD_SPECIAL", "WITH"): "a with statement",
    ("LIST", "SET", "DICT", "MAP"): "building a list, set or dict",
    ("YIELD", "SEND", "GET_AWAITABLE", "GET_YIELD"): "a generator or coroutine",
}
