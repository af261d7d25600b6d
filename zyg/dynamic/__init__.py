"""Dynamic mode: CPython runs the function on values that record what is done to them.  See docs/dynamic.md."""
