"""Dicts whose keys show at run time only, and sets, written in Python over lists.

The reader compiles them like the user's own classes; their exceptions belong to the user's line.  Entries are in the
order in which they were added, as in Python; routines find them by their keys' hashes.
"""

# ruff: noqa: SIM110, SIM118 -- loops, and methods that are called by their names

from __future__ import annotations

from typing import Any

import numpy as np

from zyg.rules.foreign import Foreign

_NONE = object()  # no default
_FREE = -1

_HOME = "zyg.codegen.table_routines"
find = Foreign("find", "ibibb", home=_HOME, letters="i", gives=True)
place = Foreign("place", "ibibi", home=_HOME, letters="i", gives=True)
drop = Foreign("drop", "ibibi", home=_HOME, letters="i", gives=True)


def _width(key: Any) -> int:
    """Of how many ints a key is."""
    return len(key) if isinstance(key, tuple) else 1


def _write(codes: Any, first: int, key: Any) -> None:
    if isinstance(key, tuple):
        for part in range(len(key)):
            codes[first + part] = key[part]
    else:
        codes[first] = key


def members(keys: Any) -> Any:
    """Some keys, which may be those of a set, in any order."""
    raise RuntimeError("this is a word of zyg's own programs")


class Keys:
    """The keys of a dict or set: in their order, with those that have been dropped, and by their hashes.

    An instance is made with empty lists, `codes` of no ints, and `places` that are all free.
    """

    names: Any
    there: Any
    codes: Any
    places: Any
    count: int
    copy: Any
    update: Any

    def _number(self, key: Any) -> Any:
        """Which entry has this key; -1 if none has."""
        asked = np.empty(_width(key), np.int64)
        _write(asked, 0, key)
        return find(len(self.places), self.places, _width(key), self.codes, asked)

    def _append(self, key: Any) -> None:
        """A key that is not there becomes the last one; at most half of the places are taken."""
        width = _width(key)
        number = len(self.names)
        if (number + 1) * width > len(self.codes):
            codes = np.empty(width * len(self.places), np.int64)
            codes[: number * width] = self.codes[: number * width]
            self.codes = codes
            self.places = np.full(2 * len(self.places), _FREE)
            for earlier in range(number):
                if self.there[earlier]:
                    place(len(self.places), self.places, width, codes, earlier)
        _write(self.codes, number * width, key)
        place(len(self.places), self.places, width, self.codes, number)
        self.names.append(key)
        self.there.append(True)
        self.count += 1

    def _drop(self, number: int, width: int) -> None:
        drop(len(self.places), self.places, width, self.codes, number)
        self.there[number] = False
        self.count -= 1

    def _all(self) -> Any:
        found = []
        for number in range(len(self.names)):
            if self.there[number]:
                found.append(self.names[number])
        return found

    def __len__(self) -> int:
        return self.count

    def __contains__(self, key: Any) -> Any:
        return self._number(key) != _FREE

    def __or__(self, other: Any) -> Any:
        made = self.copy()
        made.update(other)
        return made

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def clear(self) -> None:
        for number in range(len(self.names)):
            self.there[number] = False
        self.places = np.full(len(self.places), _FREE)
        self.count = 0


class Table(Keys):
    """A dict."""

    held: Any

    def __getitem__(self, key: Any) -> Any:
        number = self._number(key)
        if number == _FREE:
            raise KeyError(key)
        return self.held[number]

    def __setitem__(self, key: Any, item: Any) -> None:
        number = self._number(key)
        if number == _FREE:
            self._append(key)
            self.held.append(item)
        else:
            self.held[number] = item

    def __delitem__(self, key: Any) -> None:
        number = self._number(key)
        if number == _FREE:
            raise KeyError(key)
        self._drop(number, _width(key))

    def get(self, key: Any, default: Any = None) -> Any:
        number = self._number(key)
        return default if number == _FREE else self.held[number]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        number = self._number(key)
        if number == _FREE:
            self._append(key)
            self.held.append(default)
            return default
        return self.held[number]

    def pop(self, key: Any, default: Any = _NONE) -> Any:
        number = self._number(key)
        if number == _FREE:
            if default is _NONE:
                raise KeyError(key)
            return default
        self._drop(number, _width(key))
        return self.held[number]

    def popitem(self) -> Any:
        if self.count == 0:
            raise KeyError("popitem(): dictionary is empty")
        number = len(self.names) - 1
        while not self.there[number]:
            number -= 1
        self._drop(number, _width(self.names[number]))
        return self.names[number], self.held[number]

    def keys(self) -> Any:
        count = self.count

        def key(name: Any) -> Any:
            if self.count != count:
                raise RuntimeError("dictionary changed size during iteration")
            return name

        return map(key, self._all())

    def values(self) -> Any:
        count = self.count

        def value(name: Any) -> Any:
            if self.count != count:
                raise RuntimeError("dictionary changed size during iteration")
            return self.held[self._number(name)]

        return map(value, self._all())

    def items(self) -> Any:
        count = self.count

        def item(name: Any) -> Any:
            if self.count != count:
                raise RuntimeError("dictionary changed size during iteration")
            return name, self.held[self._number(name)]

        return map(item, self._all())

    def update(self, other: Any) -> None:
        for key in other.keys():
            self[key] = other[key]

    def copy(self) -> Any:
        made = Table()
        made.update(self)
        return made

    def __eq__(self, other: Any) -> Any:
        if len(self) != len(other):
            return False
        for key in self._all():
            if key not in other or self[key] != other[key]:
                return False
        return True


class KeySet(Keys):
    """A set."""

    def add(self, key: Any) -> None:
        if self._number(key) == _FREE:
            self._append(key)

    def discard(self, key: Any) -> None:
        number = self._number(key)
        if number != _FREE:
            self._drop(number, _width(key))

    def remove(self, key: Any) -> None:
        number = self._number(key)
        if number == _FREE:
            raise KeyError(key)
        self._drop(number, _width(key))

    def update(self, keys: Any) -> None:
        for key in members(keys):
            self.add(key)

    def copy(self) -> Any:
        made = KeySet()
        made.update(self)
        return made

    def __and__(self, other: Any) -> Any:
        made = KeySet()
        for key in self._all():
            if key in other:
                made.add(key)
        return made

    def __sub__(self, other: Any) -> Any:
        made = KeySet()
        for key in self._all():
            if key not in other:
                made.add(key)
        return made


# The classes, and what they stand for
STANDING_FOR: dict[type, type] = {Table: dict, KeySet: set}
