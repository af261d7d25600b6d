"""A tour: the examples of the README, run for real and printed with their results."""

from __future__ import annotations

import math
from collections.abc import Callable

import zyg


def power(x: float, n: int) -> float:
    """x ** n by a loop."""
    r = 1.0
    while n > 0:
        r *= x
        n -= 1
    return r


def fact(x: float, n: int) -> float:
    """x · n! by recursion."""
    return x if n < 1 else n * fact(x, n - 1)


def main() -> None:
    """Print every example with its result."""

    def f(x: float) -> float:
        return 5 * x + 3

    def curve(x: float) -> float:
        return math.sin(math.cos(x))

    examples: dict[str, Callable[[], object]] = {
        "f(10), grad(f)(10)      f = 5x + 3": lambda: (f(10), zyg.grad(f)(10)),
        "inspect_llvm(grad(f), 10)": lambda: "\n" + zyg.inspect_llvm(zyg.grad(f), 10),
        "grad(power)(2.0, 3)     a while loop": lambda: zyg.grad(power)(2.0, 3),
        "grad(fact)(1.0, 5)      recursion": lambda: zyg.grad(fact)(1.0, 5),
        "grad(grad(curve))(0.5)  second order": lambda: zyg.grad(zyg.grad(curve))(0.5),
        "pullback(x*y, 2, 3)": lambda: zyg.pullback(lambda x, y: x * y, 2.0, 3.0)[1](1.0),
        "inspect_adjoint(grad(power), 2.0, 3)": lambda: "\n" + zyg.inspect_adjoint(zyg.grad(power), 2.0, 3),
    }
    for title, run in examples.items():
        print(f"{title}\n    {run()}\n")


if __name__ == "__main__":
    main()
