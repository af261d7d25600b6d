"""Measurements of zyg against hand-written derivatives and other tools: `python -m bench`."""
