"""Import statements inside functions: of modules that are there already, and of those that nobody notices coming."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types as pytypes
from typing import TYPE_CHECKING

from zyg.errors import unsupported
from zyg.ir.program import Const
from zyg.reading.captures import STABLE
from zyg.reading.handlers import handles
from zyg.reading.tracing import imported, imported_from
from zyg.reading.values import Identity, Node, Path, Static, Value

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_QUIET = frozenset((*sys.stdlib_module_names, "numpy", "scipy", *STABLE))


@handles(imported)
def _imported(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    name, names, level = args
    assert isinstance(name, Static) and isinstance(level, Const)
    full = str(name.obj)
    if level.value:
        home = reader.scope if isinstance(reader.scope, Static) else reader.scope.head.scope
        package = home.obj.__globals__.get("__package__") or ""
        full = importlib.util.resolve_name("." * int(level.value.real) + full, package)
    found = _module(reader, full)
    if isinstance(names, Node) or level.value:  # from … import …
        for item in names.items if isinstance(names, Node) else ():
            if isinstance(item, Static) and not hasattr(found.obj, item.obj):
                _module(reader, f"{full}.{item.obj}")
        return found
    return _module(reader, full.partition(".")[0])


@handles(imported_from)
def _imported_from(reader: FunctionReader, args: list[Value], kws: dict[str, Value]) -> Value:
    module, name = args
    assert isinstance(module, Static) and isinstance(name, Static)
    return reader.spec.calls.attribute(reader, module, name.obj)


def _module(reader: FunctionReader, name: str) -> Static:
    """A module that has been imported; one whose import has no effects that a program sees is imported now."""
    if name not in sys.modules:
        if name.partition(".")[0] not in _QUIET:
            raise unsupported(f"the module {name!r} has not been imported yet", reader.pos, "Import it at the top.")
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise unsupported(str(error), reader.pos, "Import what there is.") from None
    path: Path = (("object", Identity(sys.modules)),)
    if not reader.spec.captures.frozen:
        reader.spec.captures.expect(path, "type", dict)
    module = sys.modules[name]
    if not isinstance(module, pytypes.ModuleType):
        raise unsupported(f"what is imported as {name!r} is no module", reader.pos)
    found = reader.spec.captures.value(module, (*path, ("key", name)), reader.pos, name)
    assert isinstance(found, Static)
    return found
