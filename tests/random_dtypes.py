"""Random programs on arrays of several dtypes: float32 and float64, complex64 and complex128, ints and truth values.

`random_source(seed)` is a module that defines `f(x, y, z)` as in `random_arrays`, and the names F4 and C8 of the narrow
dtypes, of which all its narrow arrays are; `wide` gives the same program in float64 and complex128.

    python tests/random_dtypes.py --seed 17 --shrink   # as random_arrays
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from random_arrays import _WEIGHTS, Programs, Scope, Shape, _size, run

NARROW = "F4, C8 = np.float32, np.complex64\n"
WIDE = "F4, C8 = np.float64, np.complex128\n"
REAL, COMPLEX = ("F4", "np.float64"), ("C8", "np.complex128")


def wide(source: str) -> str:
    return source.replace(NARROW, WIDE)


class TypedPrograms(Programs):
    """Reals of both widths mix in all that the base class makes; complex arrays have names of their own."""

    # --- reals ----------------------------------------------------------------------------------------

    def real_dtype(self) -> str:
        return self.random.choice(REAL)

    def complex_dtype(self) -> str:
        return self.random.choice(COMPLEX)

    def number(self, depth: int = 1) -> str:
        if self.scope.complexes and self.chance(0.2):
            c = self.complex_number(depth - 1)
            return self.pick(
                (1, lambda: f"({c}).real"),
                (1, lambda: f"({c}).imag"),
                (0.7, lambda: f"abs({c})"),
                (0.5, lambda: f"({c} * np.conj({c})).real"),
            )
        if self.chance(0.08):
            return self.pick((1, self.counted), (1, self.whole_number))
        return super().number(depth)

    def counted(self) -> str:
        """A number that comes of ints and truth values."""
        masks, name = self.scope.masks, self.some(least=1)
        if masks and self.chance(0.5):
            return f"{self.random.choice(list(masks))}.sum() * 0.1"
        return f"np.sum({self.mask(self.scope.arrays[name])}) * 0.1" if name else self.constant()

    def whole_number(self) -> str:
        found = [name for name, shape in self.scope.integers.items() if _size(shape)]
        if not found:
            return self.constant()
        name = self.random.choice(found)
        return f"{name}[{', '.join(self.index(n) for n in self.scope.integers[name])}] * 0.2"

    def array(self, shape: Shape, depth: int = 1) -> str:
        if depth > 0 and self.chance(0.3):
            a = self.array(shape, depth - 1)
            options: list[tuple[float, Callable[[], str]]] = [
                (2, lambda: f"({a}).astype({self.real_dtype()})"),
                (1, lambda: f"np.asarray({a}, dtype={self.real_dtype()})"),
                (2, lambda: f"{a} * {self.integer(shape)} * 0.3"),
                (1.5, lambda: f"{a} * ({self.mask(shape)})"),
                (0.5, lambda: f"({a} + {self.integer(shape)}) * 0.3"),
                (0.3, lambda: f"({a}).real"),
                (0.3, lambda: f"np.abs({a})"),
                (0.3, lambda: f"np.sqrt(1.5 + ({a}) ** 2)"),
                (0.3, lambda: f"np.arctan2({a}, 1.5 + {self.array(shape, 0)} ** 2)"),
            ]
            if self.scope.complexes:
                c = self.complex_array(shape, depth - 1)
                options += [
                    (2, lambda: f"({c}).real"),
                    (2, lambda: f"({c}).imag"),
                    (0.7, lambda: f"np.real({c})"),
                    (0.7, lambda: f"np.imag({c})"),
                    (1.5, lambda: f"np.abs({c})"),
                    (1, lambda: f"({c} * np.conj({c})).real"),
                    (0.4, lambda: f"np.angle({c} + 4.0)"),
                ]
            return self.pick(*options)
        return super().array(shape, depth)

    def view_of(self, shape: Shape) -> str | None:
        """A view of reals may be one of parts of complex numbers."""
        if self.reals is None and self.scope.complexes and self.chance(0.2):
            found = self.complex_view(shape)
            if found is not None:
                return f"{found}.{self.random.choice(['real', 'imag'])}"
        return super().view_of(shape)

    def made(self, shape: Shape) -> str:
        text = super().made(shape)
        return f"({text}).astype(F4)" if self.chance(0.4) else text

    def mask(self, shape: Shape) -> str:
        found = [name for name, own in self.scope.masks.items() if own == shape]
        if found and self.chance(0.5):
            name = self.random.choice(found)
            return name if self.chance(0.7) else f"~{name}"
        if self.scope.complexes and self.chance(0.2):
            return f"({self.complex_array(shape, 0)}).real {self.random.choice('<>')} {self.constant()}"
        if self.scope.integers and self.chance(0.2):
            return f"{self.integer(shape)} % 2 == {self.random.randrange(2)}"
        with self.of_reals():
            return super().mask(shape)

    def taken(self, shape: Shape) -> str:
        """Elements picked by ints that an array holds."""
        name = self.some(len(shape), least=1)
        if self.chance(0.5) or name is None or not shape:
            return super().taken(shape)
        own = self.scope.arrays[name]
        found = [k for k, size in self.scope.integers.items() if size == shape[:1]]
        if own[1:] != shape[1:] or not found:
            return super().taken(shape)
        index = f"{self.random.choice(found)} % {own[0]}"
        return f"{name}[{index}]" if self.chance(0.7) else f"np.take({name}, {index}, axis=0)"

    # --- ints -----------------------------------------------------------------------------------------

    def integer(self, shape: Shape) -> str:
        """An expression of an array of small ints."""
        size = _size(shape)
        found = [name for name, own in self.scope.integers.items() if own == shape]
        options: list[tuple[float, Callable[[], str]]] = [
            (1, lambda: f"np.arange({size}).reshape({shape})"),
            (0.5, lambda: f"({self.mask(shape)}).astype(np.int64)"),
            (0.3, lambda: f"np.full({shape}, {self.random.randint(-2, 3)})"),
            (0.3, lambda: f"np.ones({shape}, dtype=np.int64)"),
        ]
        if len(shape) == 1:
            options.append((1, lambda: f"np.array({[self.random.randint(-2, 3) for _ in range(size)]})"))
        if found:
            options.append((4, lambda: self.random.choice(found)))
            options.append((1, lambda: f"({self.random.choice(found)} + {self.random.randint(1, 2)}) % 4"))
        return self.pick(*options)

    # --- complex --------------------------------------------------------------------------------------

    @contextmanager
    def of_complexes(self) -> Iterator[None]:
        """What is said of arrays is said of the complex ones."""
        scope = self.scope
        reals, scope.arrays = scope.arrays, scope.complexes
        self.reals = reals
        yield
        scope.arrays = reals
        self.reals = None

    @contextmanager
    def of_reals(self) -> Iterator[None]:
        """What is said of arrays is said of the real ones."""
        scope, reals = self.scope, self.reals
        if reals is None:
            yield
            return
        complexes, scope.arrays, self.reals = scope.arrays, reals, None
        yield
        scope.arrays, self.reals = complexes, reals

    reals: dict[str, Shape] | None = None

    def complex_view(self, shape: Shape) -> str | None:
        with self.of_complexes():
            return self.view_of(shape)

    def complex_constant(self) -> str:
        return self.random.choice(["(0.3 + 0.4j)", "(0.5 - 0.2j)", "0.6j", "(-0.4 + 0.1j)", "1j"])

    def complex_number(self, depth: int) -> str:
        found = [name for name, shape in self.scope.complexes.items() if _size(shape)]
        options: list[tuple[float, Callable[[], str]]] = [(1, self.complex_constant)]
        if self.scope.complex_numbers:
            options.append((3, lambda: self.random.choice(self.scope.complex_numbers)))
        if found:
            name = self.random.choice(found)
            options.append((5, lambda: f"{name}[{', '.join(self.index(n) for n in self.scope.complexes[name])}]"))
            if depth > 0:
                options.append((1, lambda: f"np.sum({name}) * 0.2"))
                options.append((0.5, lambda: f"np.mean({name})"))
                options.append((0.5, lambda: f"np.vdot({name}, {name}) * 0.1"))
        if depth > 0:
            a = lambda: self.complex_number(depth - 1)  # noqa: E731
            options += [
                (2, lambda: f"{a()} * {a()} * 0.5"),
                (1, lambda: f"({a()} + {self.number(0)}) * 0.5"),
                (0.5, lambda: f"np.conj({a()})"),
                (0.5, lambda: f"{a()} / (3.0 + abs({a()}))"),
                (0.5, lambda: f"np.exp(1j * {self.number(0)})"),
                (0.3, lambda: f"complex({self.number(0)}, {self.number(0)})"),
            ]
        return self.pick(*options)

    def complex_array(self, shape: Shape, depth: int) -> str:
        """An expression of an array of complex numbers, bounded."""
        options: list[tuple[float, Callable[[], str]]] = [
            (0.3, lambda: f"np.ones({shape}) * {self.complex_constant()}"),
            (0.3, lambda: f"np.full({shape}, {self.complex_number(0)}, dtype={self.complex_dtype()})"),
        ]
        found = self.complex_view(shape)
        if found is not None:
            options.append((4 if depth > 0 else 10, lambda: found))
        if depth > 0:
            a = lambda: self.complex_array(shape, depth - 1)  # noqa: E731
            b = lambda: self.complex_operand(shape, depth - 1)  # noqa: E731
            r = lambda: self.array(shape, depth - 1)  # noqa: E731
            options += [
                (2, lambda: f"({a()} + {b()}) * 0.5"),
                (1, lambda: f"({b()} - {a()}) * 0.5"),
                (3, lambda: f"{a()} * {b()} * 0.5"),
                (1.5, lambda: f"({r()} + 1j * {r()})"),
                (1.5, lambda: f"{r()} * {a()} * 0.5"),
                (1, lambda: f"np.exp(1j * {r()})"),
                (1, lambda: f"np.conj({a()})"),
                (0.5, lambda: f"({a()}).conj()"),
                (0.5, lambda: f"np.sin({a()} * 0.5)"),
                (0.5, lambda: f"np.exp({a()} * 0.3)"),
                (0.5, lambda: f"np.sqrt({a()} + 4.0)"),
                (0.5, lambda: f"np.log({a()} + 4.0)"),
                (0.5, lambda: f"({a()} * 0.5) ** {self.random.choice([2, 3])}"),
                (1, lambda: f"{a()} / (1.5 + np.abs({b()}))"),
                (1, lambda: f"{a()} / ({b()} + 4.0)"),
                (1, lambda: f"np.where({self.mask(shape)}, {a()}, {b()})"),
                (1, lambda: f"({a()}).astype({self.complex_dtype()})"),
                (0.5, lambda: f"({r()}).astype({self.complex_dtype()})"),
                (0.5, lambda: f"({a()}).copy()"),
                (0.5, lambda: f"{a()} * ({self.mask(shape)})"),
                (0.5, lambda: f"{self.integer(shape)} * {a()} * 0.3"),
            ]
            if len(shape) == 2:
                n, m = shape
                options += [
                    (0.5, lambda: f"({self.complex_array((m, n), depth - 1)}).T"),
                    (0.7, lambda: f"({self.complex_array((n, 2), 0)} @ {self.complex_array((2, m), 0)}) * 0.3"),
                    (0.7, lambda: f"({self.array((n, 2), 0)} @ {self.complex_array((2, m), 0)}) * 0.3"),
                    (0.5, lambda: f"np.dot({self.complex_array((n, 2), 0)}, {self.array((2, m), 0)}) * 0.3"),
                ]
            if len(shape) == 1:
                options.append((0.5, lambda: f"np.cumsum({a()}) * 0.3"))
                options.append((0.5, lambda: f"np.mean({self.complex_array((2, *shape), 0)}, axis=0)"))
        return self.pick(*options)

    def complex_operand(self, shape: Shape, depth: int) -> str:
        if self.chance(0.25):
            return self.complex_number(min(depth, 1))
        if self.chance(0.3) and shape:
            cut = self.random.randrange(len(shape))
            part = [1 if self.chance(0.3) else n for n in shape[cut:]]
            return self.complex_array(tuple(part), depth)
        return self.operand(shape, depth) if self.chance(0.2) else self.complex_array(shape, depth)

    # --- statements -----------------------------------------------------------------------------------

    def statement(self, depth: int) -> None:
        if self.chance(0.5):
            super().statement(depth)
            return
        kinds: list[tuple[float, Callable[[], None]]] = [
            (3, self.complex_new),
            (1, self.complex_alias),
            (4, self.complex_store),
            (3, self.complex_augment),
            (2, self.complex_whole),
            (1, self.complex_scalar),
            (1, self.complex_rebind),
            (1, self.complex_choice),
            (1, self.complex_out),
            (1, self.part_store),
            (1.5, self.new_mask),
            (1.5, self.new_integers),
            (0.7, self.store_integer),
            (2, self.new_typed),
            (1, self.masked_sum),
        ]
        self.random.choices([fn for _, fn in kinds], [weight for weight, _ in kinds])[0]()

    def new_typed(self) -> None:
        shape, name = self.shape(), self.fresh("a")
        how = self.random.random()
        if how < 0.3:
            self.line(f"{name} = np.zeros({shape}, dtype={self.real_dtype()})")
            self.line(f"{name}[:] = {self.operand(shape, 1)}")
        elif how < 0.5 and (model := self.some()):
            shape = self.scope.arrays[model]
            self.line(f"{name} = np.{self.random.choice(['zeros', 'ones'])}_like({model}, dtype={self.real_dtype()})")
        else:
            self.line(f"{name} = ({self.array(shape)}).astype({self.real_dtype()})")
        self.scope.arrays[name] = shape

    def new_mask(self) -> None:
        shape, name = self.shape(), self.fresh("m")
        self.line(f"{name} = {self.mask(shape)}")
        self.scope.masks[name] = shape

    def new_integers(self) -> None:
        shape, name = self.shape(), self.fresh("k")
        self.line(f"{name} = {self.integer(shape)}")
        self.scope.integers[name] = shape

    def store_integer(self) -> None:
        found = [name for name, shape in self.scope.integers.items() if _size(shape)]
        if found:
            name = self.random.choice(found)
            place = ", ".join(self.index(n) for n in self.scope.integers[name])
            self.line(f"{name}[{place}] {self.random.choice(['=', '+=', '-='])} {self.random.randint(0, 2)}")

    def masked_sum(self) -> None:
        complex_one = bool(self.scope.complexes) and self.chance(0.5)
        names = self.scope.complexes if complex_one else self.scope.arrays
        if not names:
            return
        name = self.random.choice(list(names))
        new = self.fresh("s")
        total = f"np.sum({name}[{self.mask(names[name])}]) * 0.3"
        self.line(f"{new} = {total}")
        (self.scope.complex_numbers if complex_one else self.scope.numbers).append(new)

    def complex_new(self) -> None:
        shape, name = self.shape(), self.fresh("c")
        if self.chance(0.3):
            self.line(f"{name} = np.zeros({shape}, dtype={self.complex_dtype()})")
            if self.chance(0.5):
                self.line(f"{name}[...] = {self.complex_operand(shape, 1)}")
        else:
            self.line(f"{name} = {self.complex_array(shape, 2)}")
        self.scope.complexes[name] = shape

    def complex_alias(self) -> None:
        shape = self.shape()
        found = self.complex_view(shape)
        if found is not None:
            name = self.fresh("v")
            self.line(f"{name} = {found}")
            self.scope.complexes[name] = shape

    def complex_place(self) -> tuple[str, Shape] | None:
        with self.of_complexes():
            return self.place()

    def complex_store(self) -> None:
        found = self.complex_place()
        if found is not None:
            place, shape = found
            self.line(f"{place} = {self.complex_operand(shape, 1) if shape else self.complex_number(1)}")

    def complex_augment(self) -> None:
        found = self.complex_place()
        if found is not None:
            place, shape = found
            op = self.random.choice(["+=", "-=", "*=", "*=", "/="])
            value = self.complex_operand(shape, 1) if shape else self.complex_number(1)
            self.line(f"{place} {op} {f'(4.0 + {value})' if op == '/=' else value}")

    def complex_whole(self) -> None:
        if self.scope.complexes:
            name = self.random.choice(list(self.scope.complexes))
            value = self.complex_operand(self.scope.complexes[name], 1)
            self.line(f"{name} {self.random.choice(['+=', '-=', '*='])} {value}")

    def complex_out(self) -> None:
        if self.scope.complexes:
            name = self.random.choice(list(self.scope.complexes))
            shape, fn = self.scope.complexes[name], self.random.choice(["multiply", "add", "subtract"])
            self.line(f"np.{fn}({self.complex_operand(shape, 1)}, {self.complex_array(shape, 1)}, out={name})")

    def part_store(self) -> None:
        """Something is written into the real or the imaginary part."""
        if self.scope.complexes:
            name, part = self.random.choice(list(self.scope.complexes)), self.random.choice(["real", "imag"])
            value = self.operand(self.scope.complexes[name], 1)
            if self.scope.complexes[name]:
                self.line(f"{name}.{part}[...] {self.random.choice(['=', '*=', '+='])} {value}")

    def complex_rebind(self) -> None:
        free = [name for name in self.scope.complexes if name not in self.scope.fixed]
        if free:
            name = self.random.choice(free)
            self.line(f"{name} = {self.complex_array(self.scope.complexes[name], 1)}")

    def complex_choice(self) -> None:
        if self.scope.complexes:
            a, name = self.random.choice(list(self.scope.complexes)), self.fresh("c")
            shape = self.scope.complexes[a]
            self.line(f"{name} = {a} if {self.condition()} else {self.complex_view(shape)}")
            self.scope.complexes[name] = shape

    def complex_scalar(self) -> None:
        name = self.fresh("w")
        self.line(f"{name} = {self.complex_number(2)}")
        self.scope.complex_numbers.append(name)

    # --- programs -------------------------------------------------------------------------------------

    def source(self) -> str:
        self.line(NARROW.rstrip())
        for _ in range(self.random.randint(0, 1)):
            self.expression()
        if self.chance(0.4):
            self.helper()
        last = (3, 2, 2) if self.chance(0.2) else (self.random.randint(1, 4),)
        shapes = [(self.random.randint(2, 5),), (self.random.randint(2, 3), self.random.randint(2, 4)), last]
        dtypes = [self.random.choice([*REAL, *COMPLEX]) for _ in shapes]
        self.scope = Scope()
        self.returns = True
        self.line(f"SHAPES = {shapes}")
        self.line(f"DTYPES = [{', '.join(dtypes)}]")
        self.line("G = np.array([0.3, -0.7, 0.9], dtype=F4)")
        self.line("K = np.array([0, 2, 1, 3, 1])")
        for name, shape, dtype in zip("xyz", shapes, dtypes, strict=True):
            (self.scope.complexes if dtype in COMPLEX else self.scope.arrays)[name] = shape
        with self.block("def f(x, y, z):"):
            if self.chance(0.8):
                for name in "xyz":
                    self.line(f"{name} = {name}.copy()")
            if self.chance(0.5):
                self.line("g = G * 1.0")
                self.scope.arrays["g"] = (3,)
            if self.chance(0.5):
                self.line("k = K.copy()")
                self.scope.integers["k"] = (5,)
            for _ in range(self.random.randint(3, 6)):
                self.statement(self.random.choice([1, 1, 2]))
            self.line(f"return {' + '.join(self.parts())}")
        return "\n".join(self.lines) + "\n"

    def parts(self) -> Iterator[str]:
        weights = iter(_WEIGHTS * 4)
        for name in self.scope.arrays:
            yield f"{next(weights)} * np.sum({name} * {name})"
        for name in self.scope.complexes:
            yield f"{next(weights)} * np.sum({name} * np.conj({name})).real"
            yield f"{next(weights)} * np.sum({name} * {name}).imag"
        for name in self.scope.numbers:
            yield f"{next(weights)} * {name}"
        for name in self.scope.complex_numbers:
            yield f"{next(weights)} * abs({name} + 9.0) + {next(weights)} * {name}.imag"


def random_source(seed: int) -> str:
    return TypedPrograms(seed).source()


if __name__ == "__main__":
    import dtype_trial

    run(dtype_trial)
