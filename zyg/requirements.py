"""The packages that zyg is built on: those whose internals zyg is not written for are refused when it is imported."""

import llvmlite
import numba

if numba.version_info.short < (0, 63):
    raise ImportError(
        f"zyg needs Numba 0.63 or newer; this is Numba {numba.__version__} with llvmlite {llvmlite.__version__}. "
        "Install one with: python -m pip install -U numba"
    )
