"""JAX: ``jax.lax.conv_transpose`` and ``jax.lax.conv_general_dilated``.

Every adapter defines ``forward(x, w, bias)`` on arrays in the case's layout and calls it, or its vector-Jacobian
product. Where nothing wraps the function, the program contains its lines alone. A variant changes the body of
``forward``, or what wraps it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from conformance.adapters.base import Adapter, Limit, Program, call, conversion_line, inline_return
from conformance.adapters.frameworks.common_limits import (
    gradients_only,
    no_groups,
    no_output_padding_for_invalid_cases,
    no_periodic,
)
from conformance.adapters.frameworks.padding import geometry, named
from conformance.cases.case import Case

__all__ = ["JaxAdapter", "JaxLax", "dilated_input_padding", "jax_padding", "kernel_lines", "second_order"]

_DOCUMENTATION = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html"
_GENERAL = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_general_dilated.html"


class JaxAdapter(Adapter):
    """What the adapters on JAX share: arrays in, ``forward``, gradients by ``jax.vjp``.

    Attributes
    ----------
    wrapped : str
        The expression that is called instead of ``forward``.
    """

    packages: ClassVar[tuple[str, ...]] = ("jax", "jaxlib")
    extra = "jax"
    second_order = True
    mixed_dtypes = True
    compiles_in_threads = True
    environment: ClassVar[Mapping[str, str]] = {"JAX_PLATFORMS": "cpu"}
    # The bias is `y + bias`, in the layers too, and its gradient the transpose of a broadcast. Without a bias half
    # formats meet fp32-acc, with one they do not: 2d-n3-c8x8-i9x9-k3x3-s2x2-p1-bf16-b1-normal.1, jax 0.10.2, CPU.
    bias_in_storage = True
    imports: ClassVar[tuple[str, ...]] = ()
    wrapped: ClassVar[str] = "forward"

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("jax")

    def forward(self, case: Case) -> list[str]:
        """The lines of ``forward``; the last one returns."""
        raise NotImplementedError

    def program(self, case: Case) -> Program:
        """Write the call."""
        setup = ("import jax", "import jax.numpy as jnp", *self.imports, *self._settings())
        dtype = f"jnp.{case.format.label}"
        names = ["x", "w", "bias"][: 2 + case.bias]
        body = [
            conversion_line(
                names,
                lambda name: f"jnp.asarray({name}, dtype=jnp.{case.format_of(name).label})",
                apart=case.weight_dtype is not None,
            )
        ]
        parameters = ", ".join(names)
        lines = [line for text in self.forward(case) for line in text.split("\n")]
        if case.direction == "fwd" and self.wrapped == "forward" and not self.shape_only:
            return Program(setup, (*body, *inline_return(lines)))
        body += ["", f"def forward({parameters}):", *(f"    {line}" for line in lines), ""]
        return Program(setup, (*body, *self.output_lines(case, parameters, dtype)))

    def output_lines(self, case: Case, parameters: str, dtype: str) -> list[str]:
        """The lines that assign the outputs."""
        if case.direction == "fwd":
            return [f"y = {self.wrapped}({parameters})"]
        if case.direction == "grad2":
            names = ("x", "w", "bias")[: 2 + case.bias]
            return second_order(
                case, self.wrapped, names, names, lambda name: f"jnp.asarray({name}, dtype={dtype})"
            )
        return [
            f"y, pull_back = jax.vjp({self.wrapped}, {parameters})",
            f"{', '.join(['dx', 'dw', 'db'][: 2 + case.bias])} = pull_back(jnp.asarray(dy, dtype={dtype}))",
        ]

    def _settings(self) -> tuple[str, ...]:
        return ('jax.config.update("jax_enable_x64", True)',)


def second_order(
    case: Case, function: str, names: Sequence[str], sources: Sequence[str], convert: Callable[[str], str]
) -> list[str]:
    """Lines to the gradients of the gradients of a function of ``names`` at ``sources``."""
    parameters = ", ".join(names)
    along = ", ".join(convert(name) for name in ("vx", "vw", "vb")[: 2 + case.bias])
    return [
        f"def gradients({parameters}, dy):",
        f"    _, pull_back = jax.vjp({function}, {parameters})",
        "    return pull_back(dy)",
        "",
        f"_, pull_back = jax.vjp(gradients, {', '.join(sources)}, {convert('dy')})",
        f"ddx, ddw, *_, ddy = pull_back(({along}))",
    ]


class JaxLax(JaxAdapter):
    """``conv_transpose`` with ``transpose_kernel=True``, eager.

    Its documentation: transpose_kernel "flips spatial axes and swaps the input/output channel axes of the
    kernel. This makes the output of this function identical to the gradient-derived functions like
    keras.layers.Conv2DTranspose". The kernel is that of the forward convolution, (\\*k, Cout, Cin).
    """

    name = "jax-lax"
    documentation = _DOCUMENTATION
    limits: ClassVar[tuple[Limit, ...]] = (
        no_groups(_DOCUMENTATION),
        no_periodic(_DOCUMENTATION),
        no_output_padding_for_invalid_cases(_DOCUMENTATION),
    )
    transpose_kernel: ClassVar[bool] = True
    image: ClassVar[str] = "x"

    def padding(self, case: Case) -> list[tuple[str, Any]]:
        """The arguments that determine the output's start and size."""
        return [("padding", jax_padding(case))]

    def forward(self, case: Case) -> list[str]:
        """One call of ``conv_transpose``."""
        spatial = "DHW"[-case.rank :]
        image = f"NC{spatial}" if case.layout == "channels_first" else f"N{spatial}C"
        convolve = call(
            "jax.lax.conv_transpose",
            [
                ("", self.image),
                ("", "kernel"),
                ("strides", case.stride),
                *self.padding(case),
                ("rhs_dilation", case.dilation),
                ("dimension_numbers", (image, f"{spatial}IO", image)),
                ("transpose_kernel", self.transpose_kernel),
            ],
        )
        return [self.kernel(case), f"y = {convolve}", f"return y{_plus_bias(case)}"]

    def kernel(self, case: Case) -> str:
        """From (Cin, Cout, \\*k) to the kernel."""
        spatial = tuple(range(2, case.rank + 2))
        if self.transpose_kernel:
            return f"kernel = jnp.transpose(w, {(*spatial, 1, 0)})  # (*k, Cout, Cin)"
        return f"kernel = jnp.transpose(jnp.flip(w, {spatial}), {(*spatial, 0, 1)})  # flipped, (*k, Cin, Cout)"


class JaxLaxUntransposed(JaxLax):
    """With ``transpose_kernel=False``, the default: the kernel is (\\*k, Cin, Cout) and not flipped back."""

    name = "jax-lax-untransposed"
    transpose_kernel = False


class JaxLaxConsistent(JaxLax):
    """With ``use_consistent_padding=True``: explicit pairs are the crop, as in PyTorch."""

    name = "jax-lax-consistent"

    def padding(self, case: Case) -> list[tuple[str, Any]]:
        """The crop itself."""
        named_padding = jax_padding(case)
        value = named_padding if isinstance(named_padding, str) else _crop(case)
        return [("padding", value), ("use_consistent_padding", True)]


class JaxLaxOneGradient(JaxLax):
    """A vector-Jacobian product for each gradient, in which the other tensors are constants."""

    name = "jax-lax-one-gradient"
    second_order = False
    limits = (*JaxLax.limits, gradients_only("https://docs.jax.dev/en/latest/_autosummary/jax.vjp.html"))

    def output_lines(self, case: Case, parameters: str, dtype: str) -> list[str]:
        """One call after the other."""
        lines = [f"dy = jnp.asarray(dy, dtype={dtype})"]
        for name, target in zip(parameters.split(", "), ("dx", "dw", "db"), strict=False):
            lines += [
                f"_, pull_back = jax.vjp(lambda {name}: forward({parameters}), {name})",
                f"({target},) = pull_back(dy)",
            ]
        return lines


class JaxLaxJit(JaxLax):
    """Compiled by ``jax.jit``."""

    name = "jax-lax-jit"
    wrapped = "jax.jit(forward)"


class JaxLaxVmap(JaxLax):
    """One image at a time, under ``jax.vmap``."""

    name = "jax-lax-vmap"
    image = "x[None]"

    def forward(self, case: Case) -> list[str]:
        """The call on one image, mapped over the batch."""
        *before, _ = super().forward(case)
        lines = [line for text in before for line in text.split("\n")]
        names = ", ".join(["x", "w", "bias"][: 2 + case.bias])
        axes = (0, *(None,) * (1 + case.bias))
        return [
            f"def one({names}):",
            *(f"    {line}" for line in lines),
            f"    return y[0]{_plus_bias(case)}",
            "",
            f"return jax.vmap(one, in_axes={axes})({names})",
        ]


class JaxEvalShape(JaxLax):
    """``jax.eval_shape``: the output shape that JAX infers."""

    name = "jax-eval-shape"
    documentation = "https://docs.jax.dev/en/latest/_autosummary/jax.eval_shape.html"
    shape_only = True
    compiles_in_threads = False

    def output_lines(self, case: Case, parameters: str, dtype: str) -> list[str]:
        """The line that assigns the shape."""
        return [f"shape = jax.eval_shape(forward, {parameters}).shape"]


class JaxGeneral(JaxAdapter):
    """``conv_general_dilated`` of the dilated input with the flipped kernel (Cout, Cin/G, \\*k)."""

    name = "jax-general"
    documentation = _GENERAL
    limits = (no_periodic(_GENERAL), no_output_padding_for_invalid_cases(_GENERAL))

    def forward(self, case: Case) -> list[str]:
        """One call of ``conv_general_dilated``, which has no named padding for a transposed convolution."""
        spatial = "DHW"[-case.rank :]
        image = f"NC{spatial}" if case.layout == "channels_first" else f"N{spatial}C"
        convolve = call(
            "jax.lax.conv_general_dilated",
            [
                ("", "x"),
                ("", "kernel"),
                ("window_strides", (1,) * case.rank),
                ("padding", dilated_input_padding(case)),
                ("lhs_dilation", case.stride),
                ("rhs_dilation", case.dilation),
                ("dimension_numbers", (image, f"OI{spatial}", image)),
                ("feature_group_count", case.groups),
            ],
        )
        return [*kernel_lines(case), f"y = {convolve}", f"return y{_plus_bias(case)}"]


class JaxCuda(JaxLax):
    """``jax-lax`` on a CUDA device, float32 in full precision."""

    name = "jax-cuda"
    extra = "jax-cuda"
    device = "cuda"
    environment: ClassVar[Mapping[str, str]] = {"JAX_PLATFORMS": "cuda", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    precision: ClassVar[str] = "highest"

    def _settings(self) -> tuple[str, ...]:
        return (*super()._settings(), f'jax.config.update("jax_default_matmul_precision", "{self.precision}")')


class JaxCudaTf32(JaxCuda):
    """``jax-lax`` on a CUDA device, float32 products in TF32."""

    name = "jax-cuda-tf32"
    promises: ClassVar[Mapping[str, str]] = {**JaxLax.promises, "f32": "tf32", "c64": "tf32"}
    precision = "tensorfloat32"


def _plus_bias(case: Case) -> str:
    if not case.bias:
        return ""
    return f" + bias.reshape(-1{', 1' * case.rank})" if case.layout == "channels_first" else " + bias"


def kernel_lines(case: Case) -> list[str]:
    """Lines from (Cin, Cout/G, \\*k) to a flipped ``kernel`` of (Cout, Cin/G, \\*k)."""
    flipped = f"jnp.flip(w, {tuple(range(2, case.rank + 2))})"
    if case.groups == 1:
        return [f"kernel = jnp.swapaxes({flipped}, 0, 1)  # flipped, (Cout, Cin, *k)"]
    return [
        f"parts = jnp.split({flipped}, {case.groups})  # flipped, one per group",
        "kernel = jnp.concatenate([jnp.swapaxes(part, 0, 1) for part in parts])  # (Cout, Cin/G, *k)",
    ]


def _crop(case: Case) -> tuple[tuple[int, int], ...]:
    """The crop; for an invalid case the one that its numbers state."""
    solved = geometry(case)
    if solved is not None:
        return solved.crop
    if isinstance(case.padding, str):
        return ((0, 0),) * case.rank
    extra = case.output_padding or (0,) * case.rank
    return tuple((low, high - o) for (low, high), o in zip(case.padding, extra, strict=True))


def dilated_input_padding(case: Case) -> tuple[tuple[int, int], ...]:
    """The pairs (a, b) that pad the dilated input: they crop the full output by e - 1 - a and e - 1 - b."""
    reach = [d * (k - 1) for d, k in zip(case.dilation, case.kernel_size, strict=True)]
    return tuple((r - low, r - high) for r, (low, high) in zip(reach, _crop(case), strict=True))


def jax_padding(case: Case) -> Any:
    """The framework's named padding where it has one, else `dilated_input_padding`.

    Without output_padding ``same_upper`` is ``same`` (R13 and R6 agree).
    """
    names = {"valid": "'VALID'", "same": "'SAME'", "same_upper": "'SAME'"}
    if named(case) and (case.output_padding is None or geometry(case) is None) and case.padding in names:
        return names[str(case.padding)]
    return dilated_input_padding(case)
