"""An example of an adapter: a backend that scatters tap by tap in NumPy.

conformance run --adapter examples/numpy_backend.py:NumpyBackend
pytest --pyargs conformance.contract --adapter examples/numpy_backend.py:NumpyBackend
"""

from __future__ import annotations

from conformance.adapters.base import Adapter, Limit, Program
from conformance.cases import Case, DomainError

PERIODIC = ("circular", "circular_lower")
MANUAL = "https://numpy.org/doc/stable/user/basics.indexing.html"


def has_no_size(case: Case) -> bool:
    """Whether the case is invalid, so that there is no output size to allocate."""
    try:
        case.geometry()
    except DomainError:
        return True
    return False


class NumpyBackend(Adapter):
    """Scatter the input through every tap into the full output, crop it and add the bias."""

    name = "numpy-backend"
    packages = ("numpy",)
    documentation = MANUAL
    limits = (
        Limit("inexpressible", "domain", has_no_size, "the output size is computed first", MANUAL),
        Limit("inexpressible", "groups", lambda case: case.groups != 1, "no argument for groups", MANUAL),
        Limit("inexpressible", "direction", lambda case: case.direction != "fwd", "no gradients", MANUAL),
        Limit("inexpressible", "padding", lambda case: case.padding in PERIODIC, "no periodic padding", MANUAL),
        Limit("unsupported", "dtype", lambda case: case.dtype == "bf16", "NumPy has no bfloat16", MANUAL),
    )
    # Sums are kept in the dtype of the tensors, so that float16 meets no tighter profile.
    promises = {**Adapter.promises, "f16": "storage-acc"}  # noqa: RUF012

    def program(self, case: Case) -> Program:
        """Write the call: x, w and bias are NumPy arrays in the layout of the case, and so is the output y."""
        geometry = case.geometry()
        low, high = zip(*((max(-a, 0), max(-b, 0)) for a, b in geometry.crop), strict=True)  # negative: add zeros
        start = tuple(max(a, 0) for a, _ in geometry.crop)
        lines = [
            "x = np.moveaxis(x, -1, 1)" if case.layout == "channels_last" else "",
            f"full = np.zeros((*x.shape[:1], w.shape[1], *{geometry.full_size}), x.dtype)",
            "for tap in np.ndindex(*w.shape[2:]):",
            f"    first = [t * d for t, d in zip(tap, {case.dilation})]",
            f"    ends = [f + (i - 1) * s + 1 for f, i, s in zip(first, x.shape[2:], {case.stride})]",
            f"    places = tuple(slice(f, e, s) for f, e, s in zip(first, ends, {case.stride}))",
            "    full[(..., *places)] += np.einsum('nc...,cf->nf...', x, w[(..., *tap)])",
            f"full = np.pad(full, [(0, 0), (0, 0), *zip({low}, {high})])",
            f"places = tuple(slice(a, a + n) for a, n in zip({start}, {geometry.output_size}))",
            "y = full[(..., *places)]",
            f"y = y if bias is None else y + bias.reshape(-1{', 1' * case.rank})",
            "y = np.moveaxis(y, 1, -1)" if case.layout == "channels_last" else "",
        ]
        return Program((), tuple(lines))
