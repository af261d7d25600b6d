"""Routines from outside, compiled ones and Python's, as functions written in Python here call them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Foreign:
    """A routine of LAPACK for four types of numbers, called with arguments for `params`, a letter each.

    c: a character.  i: an int.  b: a whole buffer, given by an array that owns it.
    At the end comes the status, which the call gives as an int; 0 means that all went well.

    complex_name: what it is called for complex numbers, if that is not the same.
    home: the module that has the text of a routine of this package, which is compiled once in a process, and has no
    status; or it `gives` an int in its place.
    letters: the types there are of it: BLAS's letters, i for int64 and b for bool.
    """

    name: str
    params: str
    complex_name: str = ""
    home: str = ""
    letters: str = "sdcz"
    gives: bool = False

    def __call__(self, *args: Any) -> Any:
        raise RuntimeError("routines are called in compiled programs only")

    def symbol(self, letter: str) -> str:
        """Its name for one type of numbers (s, d, c or z), as in `scipy.linalg.cython_lapack`."""
        return letter + (self.complex_name if letter in "cz" and self.complex_name else self.name)


# What the names of functions that draw random numbers start with: to run them again gives others
DRAWS = "np.random."
PRINTS = "print"


@dataclass(frozen=True)
class FromPython:
    """A function that Python calls, holding its lock, where there is no compiled routine.

    It may write into arrays that it is given, each of which owns its memory, and gives a tuple of numbers: a letter
    each in `gives`, f for a float and i for an int.  A call gives the number if there is one.
    """

    fn: Callable[..., tuple[Any, ...]]
    name: str
    gives: str = ""

    def __call__(self, *args: Any) -> Any:
        raise RuntimeError("routines are called in compiled programs only")
