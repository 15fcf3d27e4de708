"""JAX: ``jax.lax.conv_transpose`` and ``jax.lax.conv_general_dilated``.

Every adapter defines ``forward(x, w, bias)`` on arrays in the case's layout and calls it, or its vector-Jacobian
product; where nothing is wrapped around it, its lines stand alone. A variant is what ``forward`` says, and what is
wrapped around it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from conformance.adapters.base import Adapter, Program, call, conversion_line, inline_return
from conformance.adapters.frameworks.common_limits import (
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
        What is called in place of ``forward``.
    """

    packages: ClassVar[tuple[str, ...]] = ("jax", "jaxlib")
    extra = "jax"
    second_order = True
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
        """The lines of ``forward``; the last returns."""
        raise NotImplementedError

    def program(self, case: Case) -> Program:
        """Write the call."""
        setup = ("import jax", "import jax.numpy as jnp", *self.imports, *self._settings())
        dtype = f"jnp.{case.format.label}"
        names = ["x", "w", "bias"][: 2 + case.bias]
        body = [conversion_line(names, lambda name: f"jnp.asarray({name}, dtype={dtype})")]
        listed = ", ".join(names)
        lines = [line for text in self.forward(case) for line in text.split("\n")]
        if case.direction == "fwd" and self.wrapped == "forward" and not self.shape_only:
            return Program(setup, (*body, *inline_return(lines)))
        body += ["", f"def forward({listed}):", *(f"    {line}" for line in lines), ""]
        return Program(setup, (*body, *self.answer(case, listed, dtype)))

    def answer(self, case: Case, listed: str, dtype: str) -> list[str]:
        """The lines that leave the answer."""
        if case.direction == "fwd":
            return [f"y = {self.wrapped}({listed})"]
        if case.direction == "grad2":
            names = ("x", "w", "bias")[: 2 + case.bias]
            return second_order(
                case, self.wrapped, names, names, lambda name: f"jnp.asarray({name}, dtype={dtype})"
            )
        return [
            f"y, pull_back = jax.vjp({self.wrapped}, {listed})",
            f"{', '.join(['dx', 'dw', 'db'][: 2 + case.bias])} = pull_back(jnp.asarray(dy, dtype={dtype}))",
        ]

    def _settings(self) -> tuple[str, ...]:
        return ('jax.config.update("jax_enable_x64", True)',)


def second_order(
    case: Case, function: str, names: Sequence[str], sources: Sequence[str], convert: Callable[[str], str]
) -> list[str]:
    """Lines to the gradients of the gradients of a function of ``names`` at ``sources``."""
    listed = ", ".join(names)
    along = ", ".join(convert(name) for name in ("vx", "vw", "vb")[: 2 + case.bias])
    return [
        f"def gradients({listed}, dy):",
        f"    _, pull_back = jax.vjp({function}, {listed})",
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
    limits = (
        no_groups(_DOCUMENTATION),
        no_periodic(_DOCUMENTATION),
        no_output_padding_for_invalid_cases(_DOCUMENTATION),
    )
    transpose_kernel: ClassVar[bool] = True

    def padding(self, case: Case) -> list[tuple[str, Any]]:
        """The arguments that place the output."""
        return [("padding", jax_padding(case))]

    def forward(self, case: Case) -> list[str]:
        """One call of ``conv_transpose``."""
        spatial = "DHW"[-case.rank :]
        image = f"NC{spatial}" if case.layout == "channels_first" else f"N{spatial}C"
        convolve = call(
            "jax.lax.conv_transpose",
            [
                ("", "x"),
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
        """The crop as it stands."""
        word = jax_padding(case)
        value = word if isinstance(word, str) else _crop(case)
        return [("padding", value), ("use_consistent_padding", True)]


class JaxLaxJit(JaxLax):
    """Compiled by ``jax.jit``."""

    name = "jax-lax-jit"
    wrapped = "jax.jit(forward)"


class JaxLaxVmap(JaxLax):
    """One image at a time, under ``jax.vmap``."""

    name = "jax-lax-vmap"

    def forward(self, case: Case) -> list[str]:
        """The call on one image, mapped over the batch."""
        *before, last = super().forward(case)
        lines = [line for text in before for line in text.split("\n")]
        inner = [
            line.replace("(x, kernel", "(x[None], kernel").replace("    x,", "    x[None],") for line in lines
        ]
        names = ", ".join(["x", "w", "bias"][: 2 + case.bias])
        axes = (0, *(None,) * (1 + case.bias))
        return [
            f"def one({names}):",
            *(f"    {line}" for line in inner),
            f"    {last.replace('return y', 'return y[0]', 1)}",
            "",
            f"return jax.vmap(one, in_axes={axes})({names})",
        ]


class JaxEvalShape(JaxLax):
    """``jax.eval_shape``: what JAX says the output's shape is."""

    name = "jax-eval-shape"
    documentation = "https://docs.jax.dev/en/latest/_autosummary/jax.eval_shape.html"
    shape_only = True
    compiles_in_threads = False

    def answer(self, case: Case, listed: str, dtype: str) -> list[str]:
        """The shape."""
        return [f"shape = jax.eval_shape(forward, {listed}).shape"]


class JaxGeneral(JaxAdapter):
    """``conv_general_dilated`` of the spread-out input with the flipped kernel (Cout, Cin/G, \\*k)."""

    name = "jax-general"
    documentation = _GENERAL
    limits = (no_periodic(_GENERAL), no_output_padding_for_invalid_cases(_GENERAL))

    def forward(self, case: Case) -> list[str]:
        """One call of ``conv_general_dilated``, which has no word for a transposed convolution's padding."""
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
        f"parts = jnp.split({flipped}, {case.groups})  # flipped, one a group",
        "kernel = jnp.concatenate([jnp.swapaxes(part, 0, 1) for part in parts])  # (Cout, Cin/G, *k)",
    ]


def _crop(case: Case) -> tuple[tuple[int, int], ...]:
    """The crop; for a question without an answer what its numbers say."""
    found = geometry(case)
    if found is not None:
        return found.crop
    if isinstance(case.padding, str):
        return ((0, 0),) * case.rank
    extra = case.output_padding or (0,) * case.rank
    return tuple((low, high - o) for (low, high), o in zip(case.padding, extra, strict=True))


def dilated_input_padding(case: Case) -> tuple[tuple[int, int], ...]:
    """The pairs (a, b) that pad the spread-out input: they crop the full result by e - 1 - a and e - 1 - b."""
    reach = [d * (k - 1) for d, k in zip(case.dilation, case.kernel_size, strict=True)]
    return tuple((r - low, r - high) for r, (low, high) in zip(reach, _crop(case), strict=True))


def jax_padding(case: Case) -> Any:
    """The framework's own word where it has one, else `dilated_input_padding`.

    Without output_padding ``same_upper`` is ``same`` (R13 and R6 agree).
    """
    words = {"valid": "'VALID'", "same": "'SAME'", "same_upper": "'SAME'"}
    if named(case) and (case.output_padding is None or geometry(case) is None) and case.padding in words:
        return words[str(case.padding)]
    return dilated_input_padding(case)
