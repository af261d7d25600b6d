"""Special functions of real numbers that SciPy computes: primitives beside those of `primitives`.

They are named after `scipy.special`'s functions, and computed by the same code, which that package exports for
compiled programs (`cython_special`).  SciPy's module is imported only when one of them is used.  `gamma`, `erf` and the
like are the C library's; `logsumexp` and others are written in terms of NumPy's functions (`special_written`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zyg.rules.primitives import Primitive, table


@dataclass(frozen=True, slots=True)
class Special:
    """A function of SciPy's.

    symbol: what its version for doubles is called in `cython_special`.
    """

    name: str
    arity: int
    symbol: str

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, *args: Any) -> Any:
        for arg in args:
            if hasattr(arg, "__zyg_apply__"):
                return arg.__zyg_apply__(self, args)
        from scipy import special

        return getattr(special, self.name)(*args)


def _special(name: str, arity: int = 1, symbol: str = "") -> Special:
    made = Special(name, arity, symbol.replace("*", name) or name)
    table[made] = Primitive(name, 60)
    return made


# Cython numbers the versions of a function by the types that they take: doubles are 0 beside floats, 1 beside complex
loggamma = _special("loggamma", 1, "__pyx_fuse_1*")
beta = _special("beta", 2)
betaln = _special("betaln", 2)
erfinv = _special("erfinv", 1, "__pyx_fuse_0*")
erfcinv = _special("erfcinv")
erfcx = _special("erfcx", 1, "__pyx_fuse_1*")
erfi = _special("erfi", 1, "__pyx_fuse_1*")
dawsn = _special("dawsn", 1, "__pyx_fuse_1*")
expit = _special("expit", 1, "__pyx_fuse_0*")
log_expit = _special("log_expit", 1, "__pyx_fuse_0*")
logit = _special("logit", 1, "__pyx_fuse_0*")
ndtr = _special("ndtr", 1, "__pyx_fuse_1*")
log_ndtr = _special("log_ndtr", 1, "__pyx_fuse_1*")
ndtri = _special("ndtri")
xlogy = _special("xlogy", 2, "__pyx_fuse_1*")
xlog1py = _special("xlog1py", 2, "__pyx_fuse_1*")
entr = _special("entr")
rel_entr = _special("rel_entr", 2)
kl_div = _special("kl_div", 2)
expi = _special("expi", 1, "__pyx_fuse_1*")
exp1 = _special("exp1", 1, "__pyx_fuse_1*")
cosm1 = _special("cosm1")
gammainc = _special("gammainc", 2)
gammaincc = _special("gammaincc", 2)
betainc = _special("betainc", 3, "__pyx_fuse_0*")
stdtr = _special("stdtr", 2, "__pyx_fuse_0*")
j0, j1, y0, y1 = (_special(name) for name in ("j0", "j1", "y0", "y1"))
i0, i1, k0, k1 = (_special(name) for name in ("i0", "i1", "k0", "k1"))
i0e, i1e, k0e, k1e = (_special(name) for name in ("i0e", "i1e", "k0e", "k1e"))
jv, yv, iv, kv, ive, kve = (_special(name, 2, "__pyx_fuse_1*") for name in ("jv", "yv", "iv", "kv", "ive", "kve"))

SPECIAL: tuple[Special, ...] = tuple(fn for fn in table if isinstance(fn, Special))
