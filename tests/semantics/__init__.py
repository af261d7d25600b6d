"""Programs whose meaning in native code, in dynamic mode and in a plain call must be one."""

from semantics import closures, dicts, everyday, iterators, methods, users

__all__ = ["closures", "dicts", "everyday", "iterators", "methods", "users"]
