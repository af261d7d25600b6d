"""Names of functions that programs are expected to use: each has a test, or is named in the limitations."""

from __future__ import annotations

NAMES = """
np.multiply np.divide np.true_divide np.logaddexp np.logaddexp2 np.power np.float_power np.exp np.exp2 np.log np.log2
np.log10 np.expm1 np.log1p np.sqrt np.square np.cbrt np.reciprocal np.sin np.cos np.tan np.arcsin np.arccos np.arctan
np.arctan2 np.hypot np.sinh np.cosh np.tanh np.arcsinh np.arccosh np.arctanh np.deg2rad np.rad2deg np.degrees
np.radians np.conj np.conjugate np.dot np.matmul np.kron np.outer np.vdot np.linalg.cholesky np.linalg.det
np.linalg.eig np.linalg.eigh np.linalg.eigvals np.linalg.eigvalsh np.linalg.inv np.linalg.lstsq
np.linalg.matrix_power np.linalg.norm np.linalg.pinv np.linalg.qr np.linalg.slogdet np.linalg.solve np.linalg.svd
np.linalg.cond np.average np.prod np.cumprod np.var np.std np.nanprod np.nancumprod np.nanstd np.nanvar np.cov
np.corrcoef np.polynomial.polynomial.polymul np.polynomial.polynomial.polyval np.polynomial.polynomial.polydiv
np.convolve np.correlate np.cross np.geomspace np.logspace np.sinc np.vander np.roots np.interp np.kaiser np.i0
np.einsum np.tensordot np.inner np.gradient np.fft.fft np.real_if_close np.bincount ndarray.dot ndarray.prod
ndarray.cumprod ndarray.std ndarray.var ndarray.conj operator~**int operator~**float operator~scalar**x operator~/
math.acosh math.asinh math.atan math.atanh math.cos math.cosh math.erf math.erfc math.exp math.exp2 math.expm1
math.gamma math.lgamma math.log math.log2 math.log10 math.log1p math.radians math.degrees math.sin math.sinh
math.sqrt math.tan math.tanh math.acos math.asin math.atan2 math.hypot math.pow cmath.exp cmath.sqrt cmath.log
cmath.sin cmath.polar cmath.phase cmath.rect np.add np.subtract np.negative np.positive np.nextafter np.trace np.sum
np.mean np.cumsum np.diff np.nansum np.nanmean np.nancumsum np.ediff1d np.trapezoid np.polynomial.polynomial.polyadd
np.polynomial.polynomial.polysub np.polynomial.polynomial.polyint np.polynomial.polyutils.as_series
np.polynomial.polyutils.trimseq np.append np.array np.array_split np.asarray np.asarray_chkfinite
np.ascontiguousarray np.asfortranarray np.atleast_1d np.atleast_2d np.atleast_3d np.broadcast_to np.broadcast_arrays
np.column_stack np.concatenate np.copy np.delete np.diag np.diagflat np.dsplit np.dstack np.expand_dims np.extract
np.flip np.fliplr np.flipud np.full np.full_like np.hsplit np.hstack np.insert np.linspace np.moveaxis np.ravel
np.repeat np.reshape np.resize np.roll np.rot90 np.row_stack np.split np.stack np.swapaxes np.take np.take_along_axis
np.transpose np.tril np.triu np.trim_zeros np.unwrap np.vsplit np.vstack np.nan_to_num np.squeeze np.tile
np.lib.stride_tricks.as_strided np.lib.stride_tricks.sliding_window_view np.pad ndarray.copy ndarray.flatten
ndarray.ravel ndarray.reshape ndarray.T ndarray.transpose ndarray.sum ndarray.mean ndarray.cumsum ndarray.take
ndarray.repeat ndarray.astype ndarray.item ndarray.real ndarray.flat ndarray.view a[int] a[slice] a[step] a[neg~step]
a[newaxis] a[ellipsis] a[int~array] a[int~array~dup] a[bool] a[2~fancy] a[2d] iteration~over~an~array math.ldexp
math.frexp math.nextafter np.remainder np.mod np.fmod np.abs np.absolute np.fabs np.maximum np.minimum np.fmax
np.fmin np.copysign np.divmod np.ldexp np.modf np.frexp np.amin np.amax np.min np.max np.median np.nanmax np.nanmin
np.nanmedian np.percentile np.nanpercentile np.quantile np.nanquantile np.ptp np.clip np.where np.select np.sort
np.partition np.union1d np.unique np.setdiff1d np.setxor1d np.intersect1d ndarray.max ndarray.min ndarray.clip
operator~% abs math.fabs math.copysign math.fmod np.floor_divide np.rint np.sign np.floor np.ceil np.trunc np.spacing
np.heaviside np.around np.round np.fix operator~// math.ceil math.floor math.trunc np.argmax np.argmin np.argsort
np.nonzero np.searchsorted np.digitize np.histogram np.isnan np.isfinite np.isclose np.allclose np.array_equal np.any
np.all np.zeros np.ones np.empty np.eye np.arange np.indices np.tril_indices np.triu_indices np.hanning np.hamming
np.blackman np.bartlett np.random
"""
