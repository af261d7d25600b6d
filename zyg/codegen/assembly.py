"""LLVM assembly under construction: a module's text, and the body of one function in it.

The text is written directly.  Building llvmlite objects and printing them takes about 25 µs an instruction, this
takes 2, and a first gradient of some thousand instructions waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

_FLOATING = ("fadd", "fsub", "fmul", "fdiv", "frem")
_UNPRINTABLE = re.compile(r"[^A-Za-z0-9_.$-]")


class Value(NamedTuple):
    """An operand as LLVM writes it: `double %v3`, `i64 5`."""

    type: str
    ref: str

    def __str__(self) -> str:
        return f"{self.type} {self.ref}"


def symbol(name: str) -> str:
    """`name` as an LLVM global, with what isn't ASCII spelt by its code."""
    plain = _UNPRINTABLE.sub(lambda m: m[0] if m[0] in "<>()[], *" else f"_u{ord(m[0]):x}_", name)
    return f'@"{plain}"'


def local_name(name: str) -> str:
    """`name` without the characters that a local name of LLVM cannot have; never empty, never a number."""
    plain = _UNPRINTABLE.sub("", name)
    return plain if plain and not plain[0].isdigit() else f"v{plain}"


def struct(types: Iterable[str]) -> str:
    """The type of a function that gives these values: none, one, or several as a structure."""
    types = tuple(types)
    if not types:
        return "void"
    return types[0] if len(types) == 1 else f"{{ {', '.join(types)} }}"


def vector(width: int, type: str) -> str:
    return f"<{width} x {type}>"


def truth(type: str) -> str:
    """The type of what a comparison of values of this type gives."""
    return f"{type.partition('x')[0]}x i1>" if type.startswith("<") else "i1"


def _alignment(type: str) -> str:
    """Vectors lie in memory where their numbers may."""
    return ", align 4" if type.startswith("<") else ""


class Phi(NamedTuple):
    value: Value
    incoming: list[tuple[str, str]]

    def __str__(self) -> str:
        pairs = ", ".join(f"[ {ref}, %{label} ]" for ref, label in self.incoming)
        return f"{self.value.ref} = phi {self.value.type} {pairs}"


class Label:
    """A basic block: its name, phis and instructions."""

    __slots__ = ("lines", "name", "phis")

    def __init__(self, name: str) -> None:
        self.name = name
        self.phis: list[Phi] = []
        self.lines: list[str] = []


class Assembly:
    """The text of an LLVM module: definitions, the declarations they need, and metadata.

    fast: flags of the arithmetic on floating-point numbers, not of comparisons: what is nan is still found to be.
    aligned: frames begin at lines of the cache.  LLVM decides that too late for the registers that it has to spill,
    and a vector that crosses lines is slow.
    """

    def __init__(self, fast: frozenset[str] = frozenset()) -> None:
        self._fast = fast
        self._declarations: dict[str, str] = {}
        self._definitions: dict[str, str] = {}
        self._metadata: dict[str, int] = {}
        self._required: dict[Callable[[], object], None] = {}
        self._kept: dict[str, None] = {}
        self._groups: dict[str, int] = {}
        self.aligned = False

    def arithmetic(self, opcode: str) -> str:
        """An opcode, which may have flags, with those of the module too if it is of floating-point numbers."""
        name, *flags = opcode.split()
        return " ".join((name, *sorted(self._fast.union(flags)))) if self._fast and name in _FLOATING else opcode

    def declare(self, name: str, result: str, params: Sequence[str], attributes: str = "") -> None:
        if name not in self._declarations:
            self._declarations[name] = f"declare {result} {symbol(name)}({', '.join(params)}) {attributes}"

    def define(self, name: str, text: str) -> None:
        self._definitions[name] = text

    def keep(self, name: str) -> None:
        """Leave the declaration in the module although nothing calls it yet."""
        self._kept[name] = None

    def attribute_group(self, content: str) -> str:
        """A reference to the group of attributes with this content."""
        return f"#{self._groups.setdefault(content, len(self._groups) + 1)}"

    def require(self, load: Callable[[], object]) -> None:
        """Note that the module refers to symbols that exist once `load` (which can be pickled) has been called."""
        self._required[load] = None

    @property
    def required(self) -> tuple[Callable[[], object], ...]:
        return tuple(self._required)

    def metadata(self, content: str) -> str:
        """A reference to the metadata node with this content."""
        return f"!{self._metadata.setdefault(content, len(self._metadata))}"

    def distinct_metadata(self, *operands: str) -> str:
        """A reference to a metadata node that is equal to no other."""
        number = len(self._metadata)
        node = f"!{number}"
        self._metadata[f"distinct !{{{', '.join((node, *operands))}}}"] = number
        return node

    def tag(self, kind: str) -> str:
        """The attachment of a load or store of memory that only accesses of the same kind can reach."""
        root = self.metadata('!{!"zyg"}')
        kind_node = self.metadata(f'!{{!"{kind}", {root}, i64 0}}')
        return f", !tbaa {self.metadata(f'!{{{kind_node}, {kind_node}, i64 0}}')}"

    def __str__(self) -> str:
        declarations = [text for name, text in self._declarations.items() if name not in self._definitions]
        metadata = [f"!{number} = {content}" for content, number in self._metadata.items()]
        groups = [f"attributes #0 = {{ nounwind{' alignstack=64' * self.aligned} }}"]
        groups += [f"attributes #{number} = {{ {content} }}" for content, number in self._groups.items()]
        if self._kept:
            kept = ", ".join(f"ptr {symbol(name)}" for name in self._kept)
            used = f'appending global [{len(self._kept)} x ptr] [{kept}], section "llvm.metadata"'
            declarations.append(f"@llvm.compiler.used = {used}")
        parts = ["\n".join(declarations), *self._definitions.values(), "\n".join(groups), "\n".join(metadata), ""]
        return "\n\n".join(parts)


class Body:
    """A function under construction; instructions go to the end of block `here`."""

    def __init__(self, assembly: Assembly, name: str, result: str, params: Sequence[Value], linkage: str) -> None:
        self.assembly = assembly
        self.name = name
        self.result = result
        self._params = params
        self._linkage = linkage
        self._count = 0
        self._slots: list[str] = []
        self._labels: list[Label] = []
        self.here = self.label("entry")

    # --- blocks ---------------------------------------------------------------------------------------------

    def label(self, hint: str) -> Label:
        self._count += 1
        return Label(f"{hint}.{self._count}" if self._labels else hint)

    @property
    def here(self) -> Label:
        return self._labels[-1]

    @here.setter
    def here(self, label: Label) -> None:
        self._labels.append(label)

    def jump(self, to: Label) -> None:
        self.line(f"br label %{to.name}")

    def branch(self, cond: Value, then: Label, other: Label, expect: bool | None = None) -> None:
        weights = ""
        if expect is not None:
            then_weight, other_weight = (1048575, 1) if expect else (1, 1048575)
            node = self.assembly.metadata(f'!{{!"branch_weights", i32 {then_weight}, i32 {other_weight}}}')
            weights = f", !prof {node}"
        self.line(f"br i1 {cond.ref}, label %{then.name}, label %{other.name}{weights}")

    def phi(self, label: Label, type: str, hint: str) -> Phi:
        self._count += 1
        phi = Phi(Value(type, f"%{hint}.{self._count}"), [])
        label.phis.append(phi)
        return phi

    # --- instructions ---------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self._labels[-1].lines.append(text)

    def value(self, type: str, instruction: str) -> Value:
        self._count += 1
        ref = f"%.{self._count}"
        self._labels[-1].lines.append(f"{ref} = {instruction}")
        return Value(type, ref)

    def binary(self, opcode: str, x: Value, y: Value) -> Value:
        return self.value(x.type, f"{self.assembly.arithmetic(opcode)} {x.type} {x.ref}, {y.ref}")

    def unary(self, opcode: str, x: Value) -> Value:
        return self.value(x.type, f"{opcode} {x.type} {x.ref}")

    def compare(self, predicate: str, x: Value, y: Value) -> Value:
        return self.value(truth(x.type), f"{predicate} {x.type} {x.ref}, {y.ref}")

    def select(self, cond: Value, x: Value, y: Value) -> Value:
        return self.value(x.type, f"select {cond}, {x}, {y}")

    def convert(self, opcode: str, x: Value, type: str) -> Value:
        return x if x.type == type else self.value(type, f"{opcode} {x} to {type}")

    def call(self, type: str, name: str, *args: Value, attributes: str = "", opcode: str = "call") -> Value:
        """opcode: with flags, where the call has such."""
        instruction = f"{opcode} {type} {symbol(name)}({', '.join(map(str, args))}) {attributes}".rstrip()
        if type == "void":
            self.line(instruction)
            return Value("void", "")
        return self.value(type, instruction)

    def member(self, aggregate: Value, index: int, type: str) -> Value:
        return self.value(type, f"extractvalue {aggregate}, {index}")

    def gather(self, values: Sequence[Value]) -> Value:
        """Several values as what a function returns; see `struct`."""
        if len(values) == 1:
            return values[0]
        whole = Value(struct(v.type for v in values), "poison")
        for index, value in enumerate(values):
            whole = self.value(whole.type, f"insertvalue {whole}, {value}, {index}")
        return whole

    def scatter(self, whole: Value, types: Sequence[str]) -> list[Value]:
        """The values of which `whole` was gathered."""
        if len(types) <= 1:
            return [whole] * len(types)
        return [self.member(whole, index, type) for index, type in enumerate(types)]

    def give(self, values: Sequence[Value]) -> None:
        """Return from the function."""
        self.line(f"ret {self.gather(values)}" if values else "ret void")

    # --- memory ---------------------------------------------------------------------------------------------

    def slot(self, bytes: int, align: int = 16) -> Value:
        """A buffer in the function's frame."""
        self._count += 1
        ref = f"%slot.{self._count}"
        self._slots.append(f"{ref} = alloca [{bytes} x i8], align {align}")
        return Value("ptr", ref)

    def offset(self, base: Value, bytes: Value | int) -> Value:
        if bytes == 0:
            return base
        amount = bytes if isinstance(bytes, Value) else f"i64 {bytes}"
        return self.value("ptr", f"getelementptr inbounds i8, {base}, {amount}")

    def load(self, type: str, address: Value, tag: str = "") -> Value:
        return self.value(type, f"load {type}, {address}{_alignment(type)}{tag}")

    def store(self, value: Value, address: Value, tag: str = "") -> None:
        self.line(f"store {value}, {address}{_alignment(value.type)}{tag}")

    def finish(self, attributes: str = "#0") -> None:
        """Add the function to its module."""
        params = ", ".join(f"{'i1 zeroext' if p.type == 'i1' else p.type} {p.ref}" for p in self._params)
        result = "zeroext i1" if self.result == "i1" else self.result
        lines = [f"define {self._linkage} {result} {symbol(self.name)}({params}) {attributes} {{"]
        for number, label in enumerate(self._labels):
            lines.append(f"{label.name}:")
            lines.extend(f"  {slot}" for slot in (self._slots if number == 0 else ()))
            lines.extend(f"  {phi}" for phi in label.phis)
            lines.extend(f"  {text}" for text in label.lines)
        lines.append("}")
        self.assembly.define(self.name, "\n".join(lines))
