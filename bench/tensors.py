"""The few functions of NumPy that the bench's array programs call, over PyTorch's tensors and under NumPy's names."""

from __future__ import annotations

from typing import Any

import torch


def sum(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return torch.sum(x) if axis is None else torch.sum(x, dim=axis, keepdim=keepdims)


def max(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return torch.amax(x) if axis is None else torch.amax(x, dim=axis, keepdim=keepdims)


def maximum(x: Any, least: float) -> Any:
    return torch.clamp(x, min=least)


exp, log = torch.exp, torch.log
