"""The same derivatives by JAX, autograd and PyTorch, where they are installed and have a way to compute them.

JAX needs its own loops: `fori_loop` with a constant count is the one that reverse mode goes through; Newton's `while`
is differentiated forward, the only way; unrolling 2^15 leaves of the tree takes it longer than anyone waits.
The tapes of autograd and PyTorch follow Python, and need seconds to minutes for the larger programs.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

from bench import programs
from bench.derivative import Derivative

Gradient = Callable[..., Any]
Maker = Callable[[tuple[Any, ...], int | tuple[int, ...]], Gradient]
TAPED = frozenset((programs.sin_cos, programs.guarded, programs.paper_loop))


def with_math(program: Callable[..., Any], module: Any) -> Callable[..., Any]:
    """`program`, its `math` replaced."""
    globals_ = dict(program.__globals__)
    copy = FunctionType(program.__code__, globals_, program.__name__, program.__defaults__, program.__closure__)
    globals_["math"] = module
    globals_[program.__name__] = copy
    return copy


def with_numpy(program: Callable[..., Any], module: str) -> Callable[..., Any]:
    """`program`, and the functions that it calls, with another module in place of NumPy, imported when it runs."""

    def run(*args: Any) -> Any:
        return _renamed(program, importlib.import_module(module))(*args)

    return run


def _renamed(program: Callable[..., Any], module: Any) -> Callable[..., Any]:
    globals_ = {
        name: _renamed(fn, module) if isinstance(fn, FunctionType) and name in program.__code__.co_names else fn
        for name, fn in program.__globals__.items()
    }
    globals_["np"] = module
    return FunctionType(program.__code__, globals_, program.__name__, program.__defaults__, program.__closure__)


def jax_derivative(
    form: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...], derivative: Derivative
) -> dict[str, Any]:
    """JAX's derivative of `form`, its arguments on the device already; ints are known when it compiles."""
    if importlib.util.find_spec("jax") is None:
        return {}
    import jax

    fixed = tuple(i for i, arg in enumerate(args) if isinstance(arg, int))
    run = jax.jit(derivative.jax(form, argnums), static_argnums=fixed)
    held = tuple(arg if isinstance(arg, int) else jax.device_put(arg) for arg in args)
    return {"JAX": lambda *_: jax.block_until_ready(run(*held))}


def autograd_gradient(
    program: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...]
) -> dict[str, Any]:
    if importlib.util.find_spec("autograd") is None:
        return {}
    import autograd

    return {"autograd": autograd.grad(with_numpy(program, "autograd.numpy"), argnums)}


def torch_gradient(
    program: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...]
) -> dict[str, Any]:
    """PyTorch's gradient of an array program, whose arguments are tensors already."""
    if importlib.util.find_spec("torch") is None:
        return {}
    import torch

    torch.set_num_threads(1)
    places = (argnums,) if isinstance(argnums, int) else argnums
    held = [torch.tensor(arg) for arg in args]
    for place in places:
        held[place].requires_grad_()
    chosen = [held[place] for place in places]
    plain = with_numpy(program, "bench.tensors")
    return {"torch": lambda *_: torch.autograd.grad(plain(*held), chosen)}


def contenders(program: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> dict[str, Any]:
    """By name, gradients of `program` that are called with `args`."""
    found = {}
    for name, maker in (("JAX", _jax), ("autograd", _autograd), ("torch", _torch)):
        if importlib.util.find_spec(name.lower()) is not None:
            gradient = maker(program, args, argnums)
            if gradient is not None:
                found[name] = gradient
    return found


def looped(args: tuple[Any, ...]) -> dict[str, Any]:
    """The sum of the derivatives of sin(cos(x)) at a million points, in one compiled loop."""
    if importlib.util.find_spec("jax") is None:
        return {}
    import jax
    import jax.numpy as jnp

    slope = jax.grad(with_math(programs.sin_cos, jnp))
    count = args[1]

    @jax.jit
    def total(x: Any) -> Any:
        return jax.lax.fori_loop(0, count, lambda i, sum_: sum_ + slope(x + 1e-7 * i), 0.0)

    return {"JAX": lambda x, n: total(x).block_until_ready()}


def _jax(program: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> Gradient | None:
    import jax
    import jax.numpy as jnp

    derivative = jax.jacfwd if program is programs.kepler_sum else jax.grad
    if program in (programs.sin_cos, programs.guarded):
        run = jax.jit(derivative(with_math(program, jnp), argnums))
        return lambda *values: jax.block_until_ready(run(*values))
    if program not in _JAX_LOOPS:
        return None
    body, *counts = _JAX_LOOPS[program], args[-1]
    compiled = jax.jit(derivative(lambda *values: body(jax, jnp, *values, *counts), argnums))
    return lambda *values: jax.block_until_ready(compiled(*values[:-1]))


def _paper_loop(jax: Any, jnp: Any, x: Any, n: int) -> Any:
    return jax.lax.fori_loop(0, n, lambda i, r: r * jnp.sin(x), 1.0)


def _lorenz(jax: Any, jnp: Any, x: Any, y: Any, z: Any, sigma: Any, rho: Any, beta: Any, n: int) -> Any:
    def step(i: Any, state: Any) -> Any:
        return _lorenz_step(*state, sigma, rho, beta)

    return sum(jax.lax.fori_loop(0, n, step, (x, y, z)))


def _lorenz_step(x: Any, y: Any, z: Any, sigma: Any, rho: Any, beta: Any) -> Any:
    h, slope = programs.LORENZ_STEP, programs.lorenz_slope
    a1, b1, c1 = slope(x, y, z, sigma, rho, beta)
    a2, b2, c2 = slope(x + h / 2 * a1, y + h / 2 * b1, z + h / 2 * c1, sigma, rho, beta)
    a3, b3, c3 = slope(x + h / 2 * a2, y + h / 2 * b2, z + h / 2 * c2, sigma, rho, beta)
    a4, b4, c4 = slope(x + h * a3, y + h * b3, z + h * c3, sigma, rho, beta)
    return (
        x + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4),
        y + h / 6 * (b1 + 2 * b2 + 2 * b3 + b4),
        z + h / 6 * (c1 + 2 * c2 + 2 * c3 + c4),
    )


def _kepler_sum(jax: Any, jnp: Any, m: Any, e: Any, n: int) -> Any:
    def solution(mean: Any) -> Any:
        def improve(state: Any) -> Any:
            anomaly, _ = state
            step = (anomaly - e * jnp.sin(anomaly) - mean) / (1.0 - e * jnp.cos(anomaly))
            return anomaly - step, step

        return jax.lax.while_loop(lambda state: abs(state[1]) > 1e-10, improve, (mean, mean * 0 + 1.0))[0]

    return jax.lax.fori_loop(0, n, lambda k, total: total + jnp.cos(solution(m + 0.001 * k)), 0.0)


_JAX_LOOPS: dict[Any, Any] = {
    programs.paper_loop: _paper_loop,
    programs.lorenz: _lorenz,
    programs.kepler_sum: _kepler_sum,
}


def _autograd(program: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> Gradient | None:
    if program not in TAPED:
        return None
    import autograd
    import autograd.numpy

    return autograd.grad(with_math(program, autograd.numpy), argnums)


def _torch(program: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> Gradient | None:
    if program not in TAPED:
        return None
    import torch

    torch.set_num_threads(1)
    sine_and_cosine = SimpleNamespace(
        sin=lambda x: torch.sin(torch.as_tensor(x)), cos=lambda x: torch.cos(torch.as_tensor(x))
    )
    plain = with_math(program, sine_and_cosine)
    places = (argnums,) if isinstance(argnums, int) else argnums

    def gradient(*values: Any) -> Any:
        inputs = list(values)
        for place in places:
            inputs[place] = torch.tensor(values[place], dtype=torch.float64, requires_grad=True)
        plain(*inputs).backward()
        found = tuple(inputs[place].grad.item() for place in places)
        return found[0] if isinstance(argnums, int) else found

    return gradient
