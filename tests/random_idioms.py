"""Random programs made of idioms and NumPy calls; the command line is that of `random_numpy`."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numpy_idioms import IDIOMS
from numpy_templates import ELEMENTWISE
from random_numpy import Writer


class Idioms(Writer):
    """A program of which most statements are idioms."""

    def idiom(self) -> bool:
        scope, choose = self.scope(), self.random.choice
        text = choose(IDIOMS)
        real = [name for name, value in scope.items() if np.ndim(value) > 0 and not np.iscomplexobj(value)]
        a = choose(real) if real and self.chance(0.8) else choose(list(scope))
        numbers = [name for name, value in scope.items() if np.ndim(value) == 0 and not np.iscomplexobj(value)]
        for number in range(1, 5):
            text = text.replace(f"@{number}", self.fresh("i"))
        text = text.replace("{sc}", choose(numbers) if numbers else "0.4")
        text = text.replace("{N0}", str(np.shape(scope[a])[0]) if np.ndim(scope[a]) else "0")
        while "{e}" in text:
            text = text.replace("{e}", f"({self.expression(scope)})", 1)
        while "{g}" in text:
            text = text.replace("{g}", f"({self.filled(choose(ELEMENTWISE), a, scope)})", 1)
        text = self.filled(text, a, scope)
        if "def " in text or "lambda" in text:
            self.fixed |= {name for name in scope if name in text}
        return self.tried(*text.split("\n")) is not None

    def statement(self, depth: int) -> bool:
        if self.chance(0.6):
            return self.idiom()
        return super().statement(depth)


def random_source(seed: int) -> str:
    return Idioms(seed).program()


if __name__ == "__main__":
    import numpy_trial
    from random_arrays import run

    run(SimpleNamespace(**{**vars(numpy_trial), "case": lambda seed: numpy_trial.case(seed, random_source)}))
