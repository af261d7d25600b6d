# ruff: noqa: E501
"""Templates of NumPy calls for random programs, in the order of their operand's least and greatest number of dimensions.

In a template `{a}` is the operand, `{b}` one of its shape, `{m}` a mask of its shape, `{u}` any array, `{v}` a vector,
`{q}` a matrix, `{P}` well-conditioned symmetric matrices (stacked, if the operand has more than two dimensions), `{B}`
well-conditioned general ones, `{r}` right-hand sides for these; `{x}` is an axis of the operand, `{n}` its length, `{i}`
indices along it, `{I}` one index; `{t}` axes (an int, a tuple or None), `{kd}` nothing or `keepdims=True`, `{k}` a small
int, `{K}` an int that may be negative, `{c}` a constant, `{p}` a permutation of the axes, `{f}` a function of one number.
A template need not fit: what NumPy refuses is not taken.
"""

from __future__ import annotations

REDUCTIONS = (
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "std",
    "var",
    "median",
    "ptp",
    "nansum",
    "nanmean",
    "nanmax",
    "nanstd",
)

ELEMENTWISE = (
    *(
        "np.sin({a})",
        "np.tanh({a})",
        "np.exp(-{a} ** 2)",
        "{a} * {b}",
        "{a} - {b}",
        "{b} / (1.5 + {a} ** 2)",
        "{a} * {c}",
    ),
    *("np.maximum({a}, {b})", "np.where({m}, {a}, {b})", "np.clip({a}, -0.4, 0.5)", "np.hypot({a}, {b} + 2.0)"),
    *("np.logaddexp({a}, {b})", "np.arctan2({a}, {b} + 2.0)", "np.abs({a})", "np.sqrt({a} ** 2 + 0.5)", "{a} ** 3"),
    *("np.select([{m}, {a} > {c}], [{a}, {b}], {c})", "np.select([{a} < {c}, {m}], [{a} * {b}, {b}])"),
    *("np.piecewise({a}, [{m}, {a} > 0.5], [lambda t: t**2, 2.0, np.sin])", "np.choose({m} * 1, [{a}, {b}])"),
    *("np.nan_to_num(np.where({m}, np.nan, {a}), nan=0.2)", "np.multiply({a}, {b}, where={m}, out=np.ones({s}))"),
    *(
        "{a}.astype(F4) * {b}",
        "np.asarray({a}, dtype=F4)",
        "({a} + 1j * {b})",
        "{m} * {a}",
        "({m}).astype(np.int64) * {a}",
    ),
    *(
        "np.sign({a}) * {b}",
        "np.floor({a} * 3) * {b}",
        "np.fmin({a}, {b})",
        "np.mod({a}, 0.7)",
        "np.copysign({a}, {b})",
    ),
    *("np.vectorize(lambda s, t: s * t if s > 0.1 else t)({a}, {b})", "np.full_like({a}, np.sum({b}))", "np.sinc({a})"),
    *("np.modf({a} * 2)[0]", "np.divmod({a}, 0.6)[1]", "np.add.outer({a}, {v})", "np.multiply.outer({v}, {a})"),
    *("np.log1p({a} ** 2)", "np.float_power({a} ** 2 + 0.3, {b})", "np.expm1({a})", "np.cbrt({a} + 3.0)"),
    *("np.broadcast_arrays({a}, {b})[0]", "np.concatenate([{a}, {b}], axis=None)", "np.zeros_like({a}) + {b}"),
    *("np.piecewise({a}, [{a} < {c}], [lambda t: t * t, lambda t: 0.5 - t])", "{f}({a}) * {f}({b})"),
)

STRUCTURE = (
    *(
        "np.ravel({a})",
        "{a}.flatten()",
        "{a}.T",
        "{a}.reshape(-1)",
        "{a}.copy()",
        "np.atleast_2d({a})",
        "np.atleast_3d({a})",
    ),
    *("np.tile({a}, {k})", "np.tile({a}, (2, 1))", "np.repeat({a}, {k})", "np.resize({a}, (2, 3))", "np.flip({a})"),
    *(
        "np.roll({a}, {K})",
        "np.expand_dims({a}, {ax})",
        "np.expand_dims({a}, (0, -1))",
        "np.broadcast_to({a}, (2,) + {s})",
    ),
    *("np.broadcast_to({a}, {s}) * {b}", "np.sort({a}, axis=None)", "np.append({a}, {b})", "np.append({a}, {c})"),
    *("np.cumsum({a})", "np.diff({a}.ravel(), n={k})", "np.stack([{a}, {b}])", "np.stack([{a}, {b}, {a}], axis=-1)"),
    *("{a}[None]", "{a}[..., None]", "{a}[...]", "{a}.squeeze()", "np.squeeze({a})", "np.hstack([{a}, {b}])"),
    *(
        "np.vstack([{a}, {b}])",
        "np.dstack([{a}, {b}])",
        "np.column_stack([{a}, {b}])",
        "{a}.flat[::2]",
        "{a}.flat[{K}]",
    ),
    *("np.extract({m}, {a})", "{a}[{m}]", "np.unique(np.append({a}, {a}))", "np.partition({a}, 1, axis=None)[:2]"),
    *(
        "np.transpose({a}, {p})",
        "{a}.transpose({p})",
        "np.array([{a}, {b}])",
        "np.ediff1d({a})",
        "np.trim_zeros({a}.ravel())",
    ),
    *(
        "np.meshgrid({a}, {v})[0]",
        "np.meshgrid({v}, {a}, indexing='ij')[1]",
        "np.r_[{v}, {c}, {v}[::-1]]",
        "np.c_[{v}, {v}]",
    ),
    *(
        "np.array_split({a}, 2)[1]",
        "np.array_split({a}.ravel(), 3)[0]",
        "np.asfortranarray({a})",
        "np.reshape({a}, {z})",
    ),
    *("np.reshape({a}.T, {z})", "np.ravel({a}.T)", "{a}.reshape({z})", "np.block([[{q}, {q}], [{q} * 2, {q}]])"),
    *("np.atleast_1d({a})", "np.fft.fftshift({a})", "np.array([t * 2 for t in {a}])", "np.linspace({a}, {b}, 3)"),
    *("np.linspace({a}, {b}, 3, axis=-1, endpoint=False)", "np.pad({a}, {k})", "np.pad({a}, 1, 'edge')"),
)

AXES = (
    *(f"np.{fn}({{a}}, axis={{t}}{{kd}})" for fn in REDUCTIONS),
    *(f"{{a}}.{fn}(axis={{t}}{{kd}})" for fn in ("sum", "mean", "max", "std")),
    *(f"np.{fn}({{a}}, axis={{t}}, where={{m}}, initial={{c}}{{kd}})" for fn in ("sum", "prod", "max", "min")),
    *(
        f"np.{fn}({{a}}, axis={{x}}, out=np.zeros(np.{fn}({{a}}, axis={{x}}).shape))"
        for fn in ("sum", "mean", "prod", "max")
    ),
    *(
        "np.mean({a}, axis={t}, where={a} < 5.0)",
        "np.quantile({a}, 0.3, axis={t}{kd})",
        "np.quantile({a}, [0.2, 0.7], axis={x})",
    ),
    *(
        "np.percentile({a}, 40, axis={x}{kd})",
        "np.quantile({a}, 0.6, axis={x}, method='hazen')",
        "np.nanmedian({a}, axis={x})",
    ),
    *(
        "np.linalg.norm({a}, axis={x}{kd})",
        "np.linalg.norm({a}, 1, axis={x})",
        "np.linalg.norm({a})",
        "np.linalg.norm({a}, 3, {x})",
    ),
    *("np.cumsum({a}, axis={x})", "np.cumprod({a}, axis={x})", "{a}.cumsum(axis={x})", "np.diff({a}, axis={x})"),
    *(
        "np.diff({a}, {k}, axis={x})",
        "np.diff({a}, axis={x}, prepend={c})",
        "np.gradient({a}, axis={x})",
        "np.gradient({a}, 0.5)[0]",
    ),
    *(
        "np.trapezoid({a}, axis={x})",
        "np.trapezoid({a}, dx=0.3, axis={x})",
        "np.sort({a}, axis={x})",
        "np.flip({a}, {x})",
    ),
    *(
        "np.take_along_axis({a}, np.argsort({b}, axis={x}), axis={x})",
        "np.take({a}, {i}, axis={x})",
        "{a}.take({i}, axis={x})",
    ),
    *(
        "np.take_along_axis({a}, np.argmax({a}, axis={x}, keepdims=True), {x})",
        "np.partition({a}, 1, axis={x}).sum(axis={x})",
    ),
    *("np.roll({a}, {K}, axis={x})", "np.repeat({a}, {k}, axis={x})", "np.repeat({a}, np.arange({n}), axis={x})"),
    *("np.delete({a}, {I}, axis={x})", "np.insert({a}, {I}, {c}, axis={x})", "np.concatenate([{a}, {b}], axis={x})"),
    *(
        "np.concatenate([{a}, {b}[::-1], {a}], axis={x})",
        "np.append({a}, {b}, axis={x})",
        "np.split({a}, [1], axis={x})[1]",
    ),
    *(
        "np.array_split({a}, 2, axis={x})[0]",
        "np.moveaxis({a}, {x}, 0)",
        "np.moveaxis({a}, {x}, -1)",
        "np.swapaxes({a}, {x}, -1)",
    ),
    *("np.rollaxis({a}, {x})", "np.pad({a}, 2, 'reflect')", "np.pad({a}, 1, 'symmetric')", "np.pad({a}, 2, 'wrap')"),
    *(
        "np.pad({a}, 1, 'mean')",
        "np.pad({a}, 1, 'linear_ramp')",
        "np.pad({a}, 1, 'maximum')",
        "np.maximum.accumulate({a}, axis={x})",
    ),
    *("np.average({a}, axis={x}, weights=np.arange(1.0, {n} + 1.0))", "np.average({a}, axis={x}, weights=np.exp({a}))"),
    *(
        "np.fft.fft({a}, axis={x})",
        "np.fft.rfft({a}, axis={x})",
        "np.fft.ifft({a}, {k}, axis={x})",
        "np.fft.irfft({a}, axis={x})",
    ),
    *(
        "np.apply_along_axis(lambda r: r * r[0], {x}, {a})",
        "np.apply_along_axis(np.sum, {x}, {a})",
        "np.compress([True, False, True, True][:{N}], {a}, axis={x})",
    ),
    *(
        "np.add.reduce({a}, axis={x})",
        "np.add.accumulate({a}, {x})",
        "np.multiply.reduce({a}, axis={t})",
        "np.tensordot({a}, {a}, axes=([{x}], [{x}]))",
    ),
    *(
        "np.tensordot({a}, {b}, {nd})",
        "np.inner({a}, {b})",
        "np.unwrap({a} * 6, axis={x})",
        "np.lib.stride_tricks.sliding_window_view({a}, 2, axis={x})",
    ),
    *(
        "np.convolve({v}, {w})",
        "np.convolve({v}, {w}, 'same')",
        "np.correlate({v}, {w}, 'full')",
        "np.interp({v}, np.arange(-3.0, 4.0), np.sin(np.arange(7.0)))",
    ),
    *(
        "np.interp({a}, np.array([-2.0, 0.1, 3.0]), np.array([0.3, 1.0, -1.0]) * np.sum({b}))",
        "np.outer({v}, {w})",
        "np.kron({v}, {w})",
    ),
    *(
        "np.dot({a}, np.ones({L}))",
        "{a} @ np.linspace(-1.0, 1.0, {L})",
        "np.vander({v}, 3)",
        "np.polyval([0.1, {c}, 0.3], {a})",
        "np.vdot({a}, {b})",
    ),
    *(
        "np.bincount([0, 2, 1], {v}[:3])",
        "np.histogram([0.1, 0.4, 0.6], 2, weights={v}[:3])[0]",
        "np.polyfit(np.arange({v}.size * 1.0), {v}, 1)",
    ),
    *(
        "{a}[{sl}]",
        "{a}[{sl}]",
        "{a}[{sl}] * {c}",
        "{a}[::-1]",
        "{a}[..., ::-1]",
        "{a}[..., ::2]",
        "{a}[{i}]",
        "{a}[..., {i}]",
    ),
    "np.ogrid[0:{L}] * {a}",
    *(
        "np.nancumsum({a}, axis={x})",
        "np.cov({v}, {v} ** 2)",
        "np.min({a}, axis={x}, initial={c})",
        "np.lexsort(({v},)) * {v}",
    ),
)

MATRICES = (
    *(
        "np.diagonal({a})",
        "np.diagonal({a}, {K}, *{xx})",
        "np.trace({a})",
        "np.trace({a}, 0, *{xx})",
        "np.tril({a})",
        "np.triu({a}, {K})",
    ),
    *(
        "np.rot90({a})",
        "np.rot90({a}, {k}, {xx})",
        "np.fliplr({a})",
        "np.flipud({a})",
        "np.flip({a}, {xx})",
        "np.roll({a}, (1, -2), {xx})",
    ),
    *(
        "{a} @ np.swapaxes({b}, -1, -2)",
        "np.matmul(np.swapaxes({a}, -1, -2), {b})",
        "np.einsum('...ij,...kj->...ik', {a}, {b})",
    ),
    *(
        "np.einsum('...ij->...j', {a})",
        "np.einsum('...ij,...ij->...', {a}, {b})",
        "np.einsum('...ij,...j->...i', {a}, {a}[..., 0, :])",
    ),
    *(
        "np.linalg.norm({a}, axis={xx})",
        "np.linalg.norm({a}, 'nuc', axis={xx})",
        "np.linalg.norm({a}, 2, axis={xx})",
        "np.linalg.norm({a}, -1, {xx})",
    ),
    *(
        "np.hsplit({a}, 1)[0]",
        "np.vsplit({a}, [1])[0]",
        "np.gradient({a})[1]",
        "np.take(np.take({a}, {i}, {x}), [0, 0], -1)",
        "{a}.mT",
    ),
    *(
        "np.linalg.svd({a}, compute_uv=False)",
        "np.abs(np.linalg.svd({a}, full_matrices=False)[0])",
        "np.linalg.pinv({B})",
        "np.linalg.qr({a})[1]",
    ),
    *(
        "np.linalg.inv({B})",
        "np.linalg.solve({B}, {r})",
        "np.linalg.det({B})",
        "np.linalg.slogdet({P})[1]",
        "np.linalg.cholesky({P})",
    ),
    *(
        "np.linalg.eigvalsh({P})",
        "np.abs(np.linalg.eigh({P})[1])",
        "np.linalg.matrix_power({B}, {K})",
        "np.linalg.qr({B})[0]",
    ),
    *(
        "np.linalg.multi_dot([{q}, {q}.T, {q}])",
        "np.linalg.lstsq({q}, np.sin({q}))[0]",
        "np.linalg.cond({B})",
        "np.linalg.norm({B}, 2)",
    ),
    *(
        "np.fft.fft2({a})",
        "np.fft.rfftn({a}, axes={xx})",
        "np.fft.ifftn({a})",
        "np.fft.irfft2({a})",
        "np.fft.ifftshift({a}, axes=1)",
    ),
    *(
        "np.kron({a}, {q})",
        "np.einsum('ij,jk,lk->il', {q}, {q}.T, {q})",
        "np.einsum('ij,kl->ikjl', {q}, {q})",
        "np.einsum('ii->i', {B})",
    ),
    *(
        "np.pad({a}, {pw}, constant_values={c})",
        "np.pad({a}, {pw}, 'edge')",
        "np.pad({a}, {pw}, 'mean')",
        "np.cross({a}[..., :3], np.roll({a}, 1)[..., :3])",
    ),
    *(
        "np.cov({q})",
        "np.corrcoef({q} + np.eye({q}.shape[0], {q}.shape[1]))",
        "{a}[{i}, {j}]",
        "{a}[:, {i2}]",
        "{a}[np.ix_([0, -1], [0, 0])]",
    ),
    *(
        "np.sum({a}, axis={xx}{kd})",
        "np.max({a}, axis={xx}{kd})",
        "np.median({a}, axis={xx}{kd})",
        "np.var({a}, axis={xx}, ddof=1{kd})",
    ),
    *(
        "np.lib.stride_tricks.sliding_window_view({a}, (1, 2), axis={xx})",
        "np.vecdot({a}, {b})",
        "np.outer({a}, {v})",
        "np.diag({q})",
    ),
    *(
        "np.prod({a}, axis={xx}, keepdims=True)",
        "np.take_along_axis({a}, np.argsort(-{a}, axis=-1)[..., :2], -1)",
        "np.argsort({a}, axis=0) * {a}",
    ),
    *(
        "np.moveaxis({a}, {xx}, (0, 1))",
        "np.delete({a}, [0], axis={x})",
        "np.linalg.solve({B}, {a}[..., 0])",
        "np.mgrid[0:2, 0:3][0] * 0.3 + {c}",
    ),
)

VECTORS = (
    *(
        "np.diag({a})",
        "np.diag({a}, -1)",
        "np.diagflat({a})",
        "np.outer({a}, {a})",
        "np.cross({a}[:3], {a}[-3:])",
        "np.inner({a}, {b})",
    ),
    *(
        "np.polynomial.polynomial.polymul({a}, {w})",
        "np.convolve({a}, {b}, 'valid')",
        "np.dot({a}, {b})",
        "np.interp(0.3, np.arange(float({a}.size)), {a})",
    ),
    *(
        "np.trapezoid({a}, np.arange({n}) ** 1.5)",
        "np.gradient({a}, np.arange({n}) ** 1.5)",
        "np.fft.hfft({a})",
        "np.fft.irfft({a}, 5)",
    ),
    *(
        "np.insert({a}, [0, 1], {c})",
        "np.bincount({i}, weights={a}[{i}])",
        "np.polyval({a}, 0.4)",
        "np.searchsorted(np.sort({a}), 0.1) * {a}",
    ),
    *(
        "{a}[{m}] * 2.0",
        "np.where({m}, {a}, 0.0)[::-1]",
        "np.argsort({a}) * {a}",
        "np.einsum('i,j->ij', {a}, {b})",
        "np.tri({n}, 3) * {a}[:, None]",
    ),
    *(
        "np.ediff1d({a}, to_end={c})",
        "np.setdiff1d({a}, {a}[:1])",
        "np.union1d({a}, {a}[::2])",
        "np.fromfunction(lambda i, j: i - j, ({n}, 2)) * {a}[:, None]",
    ),
)

COMPLEX = (
    *(
        "{a}.real",
        "{a}.imag",
        "np.abs({a} + 3.0)",
        "np.angle({a} + 4.0)",
        "{a} * np.conj({b})",
        "np.exp(1j * {a})",
        "{a} * {b}",
    ),
    *(
        "np.fft.ifft({a}, axis=-1)",
        "np.sum({a}, axis={t}{kd})",
        "{a}.T.conj()",
        "np.real({a}) * {b}",
        "np.fft.fft({a}, 3, axis=0)",
    ),
    *(
        "np.mean({a}, axis={x})",
        "np.linalg.norm({a})",
        "np.linalg.norm({a}, axis={x})",
        "np.cumsum({a}, axis={x})",
        "np.vdot({a}, {b})",
    ),
    *(
        "{a}[{sl}]",
        "{a}[::-1]",
        "np.roll({a}, 1, axis={x})",
        "np.fft.irfft({a}, axis={x})",
        "np.einsum('...i,...i', {a}, {b})",
    ),
    *(
        "np.prod({a}, axis={x})",
        "np.concatenate([{a}, {b}.imag], axis={x})",
        "{a} @ {v}",
        "np.where(np.abs({a}) > 0.5, {a}, {c})",
    ),
    *(
        "{a}.astype(C8) * {c}",
        "np.sqrt({a} + 5.0)",
        "np.linalg.solve({a} + 4 * np.eye({n}), {b})",
        "np.linalg.inv({a} + 4 * np.eye({n}))",
    ),
    *(
        "np.pad({a}, 1)",
        "np.take({a}, {i}, {x})",
        "np.cumprod({a}, axis={x})",
        "np.outer({a}, {b})",
        "np.var({a}, axis={t})",
    ),
)

# Statements that write into the array {a}
WRITES = (
    *(
        "{a}[...] = {b}",
        "{a}[::2] *= {c}",
        "{a}[..., ::2] += {b}[..., ::2]",
        "{a}[::-1][...] = {b} * {a}",
        "{a}.T[...] *= {c}",
    ),
    *(
        "{a} += {b}",
        "{a} *= {b}",
        "{a}[{m}] = {c}",
        "{a}[{m}] *= {c}",
        "np.add.at({a}, {i}, {c})",
        "np.add.at({a}, {i}, {b}[{i}])",
    ),
    *(
        "np.multiply({a}, {b}, out={a})",
        "np.sin({b}, out={a})",
        "np.add({a}, {b}, out={a}, where={m})",
        "np.cumsum({b}, axis={x}, out={a})",
    ),
    *(
        "np.copyto({a}, {b})",
        "np.copyto({a}, {b}, where={m})",
        "np.fill_diagonal({a}, {c})",
        "{a}.sort()",
        "{a}.sort(axis={x})",
    ),
    *(
        "np.put_along_axis({a}, np.argsort({b}, axis={x}), {b}, axis={x})",
        "{a}.flat[::2] = {c}",
        "{a}.flat[{K}] += {c}",
        "{a}[{i}] = {c}",
    ),
    *(
        "{a}[..., 0] = {a}[..., -1] * {c}",
        "{a}[1:] += {a}[:-1]",
        "{a}[:-1] = {a}[1:] * {b}[:-1]",
        "{a}[{sl}] -= {c}",
        "np.put({a}, [0, -1], {c})",
    ),
    *(
        "{a}.ravel()[1:] *= {c}",
        "{a}.reshape(-1)[::2] = {c}",
        "np.subtract({a}, {c}, {a})",
        "np.negative({a}[::2], out={a}[::2])",
    ),
    *(
        "np.swapaxes({a}, 0, -1)[0] *= {c}",
        "np.clip({a}, -0.5, 0.6, out={a})",
        "{a}[{I}] = np.sum({b})",
        "np.subtract.at({a}, {I}, {c})",
    ),
    *("{a}[..., {i}] += {c}", "np.place({a}, {m}, [0.3, -0.2])", "np.putmask({a}, {m}, {b})"),
    *(
        "np.einsum('...i->...i', {b}, out={a})",
        "np.matmul({B}, {a}.copy(), out={a})",
        "np.take({b}, np.arange({n})[::-1], axis={x}, out={a})",
    ),
    *(
        "np.put_along_axis({a}, np.argmin({a}, axis={x}, keepdims=True), {c}, {x})",
        "np.tanh({a}, {a})",
        "{a}[()] = {b}",
        "{a} -= np.mean({a}, axis={x}, keepdims=True)",
        "{a} /= 1.0 + np.sum({a} ** 2)",
    ),
)
