"""Polynomials of integer variables, as the indices of elements are: `row * width + column`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from zyg.ir.program import Var

Monomial: TypeAlias = tuple[Var, ...]


class Polynomial:
    """The sum of products of variables, each with a coefficient that is not 0; never changed."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self.terms = terms

    @property
    def const(self) -> int:
        return self.terms.get((), 0)

    @property
    def variables(self) -> set[Var]:
        return {var for product in self.terms for var in product}

    def plus(self, other: Polynomial, factor: int = 1) -> Polynomial:
        """This one and `factor` times the other."""
        terms = dict(self.terms)
        for product, coefficient in other.terms.items():
            _add(terms, product, factor * coefficient)
        return Polynomial(terms)

    def minus(self, other: Polynomial) -> Polynomial:
        return self.plus(other, -1)

    def shifted(self, by: int) -> Polynomial:
        return self.plus(constant(by))

    def times(self, other: Polynomial) -> Polynomial:
        terms: dict[Monomial, int] = {}
        for one, a in self.terms.items():
            for two, b in other.terms.items():
                _add(terms, _product(one + two), a * b)
        return Polynomial(terms)

    def coefficient(self, var: Var) -> int | None:
        """Of `var`; None if it is a factor of a product with others, too."""
        if any(var in product and len(product) > 1 for product in self.terms):
            return None
        return self.terms.get((var,), 0)

    def divided(self, var: Var) -> tuple[Polynomial, Polynomial]:
        """How often `var` is in it, and what is left."""
        often: dict[Monomial, int] = {}
        left: dict[Monomial, int] = {}
        for product, coefficient in self.terms.items():
            if var in product:
                at = product.index(var)
                often[product[:at] + product[at + 1 :]] = coefficient
            else:
                left[product] = coefficient
        return Polynomial(often), Polynomial(left)

    def replaced(self, new: Callable[[Var], Polynomial]) -> Polynomial:
        """Every variable replaced by a polynomial."""
        total = Polynomial({})
        for product, coefficient in self.terms.items():
            part = constant(coefficient)
            for var in product:
                part = part.times(new(var))
            total = total.plus(part)
        return total


def _add(terms: dict[Monomial, int], product: Monomial, coefficient: int) -> None:
    total = terms.get(product, 0) + coefficient
    if total:
        terms[product] = total
    else:
        terms.pop(product, None)


def _product(factors: Monomial) -> Monomial:
    return tuple(sorted(factors, key=id))


def constant(value: int) -> Polynomial:
    return Polynomial({(): value} if value else {})


def variable(var: Var) -> Polynomial:
    return Polynomial({(var,): 1})
