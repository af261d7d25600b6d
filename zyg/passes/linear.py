"""Linear forms: sums of integer variables with integer coefficients, as exact integers, which never wrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd

from zyg.ir.program import Var


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """The sum of `terms` (no coefficient is 0) and `const`."""

    terms: Mapping[Var, int]
    const: int

    @property
    def key(self) -> tuple[frozenset[tuple[Var, int]], int]:
        """Equal for equal forms."""
        return frozenset(self.terms.items()), self.const

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        """This form and `factor` times the other."""
        if not factor:
            return self
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
        return Linear(self.terms, self.const + by)

    def times(self, factor: int) -> Linear:
        return constant(0).plus(self, factor)

    def replaced(self, new: Callable[[Var], Linear]) -> Linear:
        """Every variable replaced by a form."""
        result = constant(self.const)
        for var, coefficient in self.terms.items():
            result = result.plus(new(var), coefficient)
        return result

    def tightened(self) -> Linear:
        """A form that is ≥ 0 for the same integers, with the smallest coefficients."""
        divisor = gcd(*self.terms.values())
        if divisor <= 1:
            return self
        return Linear({var: c // divisor for var, c in self.terms.items()}, self.const // divisor)


def constant(value: int) -> Linear:
    return Linear({}, value)


def variable(var: Var) -> Linear:
    return Linear({var: 1}, 0)
