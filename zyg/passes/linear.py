"""Linear forms: sums of integer variables with integer coefficients, as exact integers, which never wrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gcd
from typing import TypeAlias

from zyg.ir.program import Var

Key: TypeAlias = tuple[frozenset[tuple[Var, int]], int]


class Linear:
    """The sum of `terms` (no coefficient is 0) and `const`; never changed."""

    __slots__ = ("_key", "const", "terms")

    def __init__(self, terms: Mapping[Var, int], const: int) -> None:
        self.terms, self.const = terms, const
        self._key: Key | None = None

    @property
    def key(self) -> Key:
        """Equal for equal forms."""
        if self._key is None:
            self._key = frozenset(self.terms.items()), self.const
        return self._key

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        """This form and `factor` times the other."""
        if not other.terms or not factor:
            return self.shifted(factor * other.const)
        terms = dict(self.terms)
        for var, coefficient in other.terms.items():
            total = terms.get(var, 0) + factor * coefficient
            if total:
                terms[var] = total
            else:
                del terms[var]
        return Linear(terms, self.const + factor * other.const)

    def minus(self, other: Linear) -> Linear:
        return self.plus(other, -1)

    def shifted(self, by: int) -> Linear:
        return Linear(self.terms, self.const + by) if by else self

    def times(self, factor: int) -> Linear:
        if factor == 1:
            return self
        return Linear({var: factor * c for var, c in self.terms.items()} if factor else {}, factor * self.const)

    def replaced(self, new: Callable[[Var], Linear]) -> Linear:
        """Every variable replaced by a form."""
        terms: dict[Var, int] = {}
        const = self.const
        for var, coefficient in self.terms.items():
            form = new(var)
            const += coefficient * form.const
            for other, factor in form.terms.items():
                total = terms.get(other, 0) + coefficient * factor
                if total:
                    terms[other] = total
                else:
                    del terms[other]
        return Linear(terms, const)

    def tightened(self) -> Linear:
        """A form that is ≥ 0 for the same integers, with the smallest coefficients."""
        if 1 in self.terms.values() or -1 in self.terms.values():
            return self
        divisor = gcd(*self.terms.values())
        if divisor <= 1:
            return self
        return Linear({var: c // divisor for var, c in self.terms.items()}, self.const // divisor)


def constant(value: int) -> Linear:
    return Linear({}, value)


def variable(var: Var) -> Linear:
    return Linear({var: 1}, 0)
