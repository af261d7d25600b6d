"""Where lists, dicts and instances are made, and what is known of all that are made at one place.

Whether a list is changed, and what its elements are, shows only after it has been made.  So a function is read, what
shows is noted at the site, and the function is read again until nothing new shows.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from zyg.errors import unsupported
from zyg.ir.program import Pos

_MOST_ROUNDS = 200


class Reread(Exception):
    """What has been read rests on something that has turned out otherwise; pos: where, once that is known."""

    def __init__(self, pos: Pos | None = None) -> None:
        super().__init__()
        self.pos = pos


class Site:
    """A place where lists (or dicts, or instances of `cls`) are made.  What is known of them grows only.

    in_memory: they are changed, or indexed at run time; else their elements are known one by one.
    element: of lists, a value that covers their elements; None while there are none.
    fields: of others, a value that covers what is under each key.
    table: are they dicts with keys that are not constants?
    """

    def __init__(self, owner: Hashable, cls: type = list, number: int = 0) -> None:
        """number: how many sites there were before."""
        self.number = number
        self.owners = {owner}
        self.cls = cls
        self.fields: dict[Any, Any] = {}
        self.in_memory = self.table = False
        self.element: Any = None
        self._above: Site | None = None

    @property
    def top(self) -> Site:
        """The site that stands for all that have been united with this one."""
        site = self
        while site._above is not None:
            site = site._above
        return site

    def absorb(self, other: Site) -> None:
        """Stand for another one, too: the older of two, or functions that are read for a site would make new sites,
        and be read anew for these, without end."""
        assert self.number < other.number
        other._above = self
        self.owners |= other.owners
        self.in_memory |= other.in_memory
        self.table |= other.table


class Sites:
    """The sites of all functions that are read for one program, and which have changed since they were used.

    rolls: may large loops over lists from outside become loops over lists in memory?  has_rolled: did some?
    """

    def __init__(self, rolls: bool = True) -> None:
        self.rolls, self.has_rolled = rolls, False
        self._table: dict[Hashable, Site] = {}
        self._rounds = 0
        self.changed: set[Site] = set()

    def at(self, owner: Hashable, place: Hashable, cls: type = list) -> Site:
        """The site at a place of the specialisation `owner`."""
        return self._table.setdefault((owner, place), Site(owner, cls, len(self._table))).top

    def in_memory(self) -> set[Site]:
        """The sites of what is in memory."""
        return {site.top for site in self._table.values() if site.top.in_memory}

    def owned_at(self, keys: Sequence[Hashable]) -> int:
        """The first of the specialisations being read that owns a changed site; -1 if one's is not being read."""
        owners = {owner for site in self.changed for owner in site.top.owners}
        return min((keys.index(owner) if owner in keys else -1 for owner in owners), default=len(keys))

    def start_over(self, pos: Pos) -> None:
        """A new round of reading begins."""
        self.changed.clear()
        self._rounds += 1
        if self._rounds > _MOST_ROUNDS:
            raise unsupported("the lists of this function hold ever new kinds of elements", pos)
