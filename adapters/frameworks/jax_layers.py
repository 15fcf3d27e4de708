"""The layers of Flax, Haiku and Equinox, all of which call JAX."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from conformance.adapters.base import Declined, Limit, call
from conformance.adapters.frameworks.common_limits import (
    no_groups,
    no_output_padding_for_invalid_cases,
    no_periodic,
    wraps,
)
from conformance.adapters.frameworks.jax_lax import JaxAdapter, jax_padding, kernel_lines
from conformance.adapters.frameworks.padding import geometry, named, tensorflow_padding
from conformance.cases.case import Case

__all__ = ["Equinox", "FlaxLinen", "FlaxNnx", "Haiku"]

_LINEN = (
    "https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html#flax.linen.ConvTranspose"
)
_NNX = "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/linear.html#flax.nnx.ConvTranspose"
_HAIKU = "https://dm-haiku.readthedocs.io/en/latest/api.html#convndtranspose"
_EQUINOX = "https://docs.kidger.site/equinox/api/nn/conv/#equinox.nn.ConvTranspose"


def _any_batch_axes(source: str) -> Limit:
    return Limit(
        "inexpressible",
        "data",
        lambda case: case.data == "wrongrank",
        "the input is (*batch_dims, spatial_dims..., features): an extra axis is one more batch axis",
        source,
    )


class FlaxLinen(JaxAdapter):
    """``flax.linen.ConvTranspose``, whose images are channels_last.

    Its ``CIRCULAR`` starts one position later with ``transpose_kernel`` where the excess is odd.
    """

    name = "flax-linen"
    packages = ("flax", "jax", "jaxlib")
    extra = "flax"
    documentation = _LINEN
    limits = (no_groups(_LINEN), no_output_padding_for_invalid_cases(_LINEN), _any_batch_axes(_LINEN))
    imports: ClassVar[tuple[str, ...]] = ("import flax.linen as nn",)

    def forward(self, case: Case) -> list[str]:
        """One layer, applied."""
        transposed = case.padding == "circular_lower"
        lines = [_flax_kernel(case, transposed), self.layer(case, transposed), *self.apply(case)]
        if case.layout == "channels_last":
            return [*lines, "return y"]
        return ["x = jnp.moveaxis(x, 1, -1)", *lines, "return jnp.moveaxis(y, -1, 1)"]

    def layer(self, case: Case, transposed: bool) -> str:
        """The line that constructs the layer."""
        return "layer = " + call("nn.ConvTranspose", [("", case.out_channels), *_flax_arguments(case, transposed)])

    def apply(self, case: Case) -> list[str]:
        """The lines that call it."""
        bias = ', "bias": bias' if case.bias else ""
        return [f'y = layer.apply({{"params": {{"kernel": kernel{bias}}}}}, x)']


class FlaxNnx(FlaxLinen):
    """``flax.nnx.ConvTranspose``."""

    name = "flax-nnx"
    documentation = _NNX
    limits = (no_groups(_NNX), no_output_padding_for_invalid_cases(_NNX), _any_batch_axes(_NNX))
    imports: ClassVar[tuple[str, ...]] = ("from flax import nnx",)

    def layer(self, case: Case, transposed: bool) -> str:
        """The line that constructs the layer."""
        return "layer = " + call(
            "nnx.ConvTranspose",
            [
                ("", case.in_channels),
                ("", case.out_channels),
                *_flax_arguments(case, transposed),
                ("rngs", "nnx.Rngs(0)"),
            ],
        )

    def apply(self, case: Case) -> list[str]:
        """The lines that call it."""
        bias = ["layer.bias = nnx.Param(bias)"] if case.bias else []
        return ["layer.kernel = nnx.Param(kernel)", *bias, "y = layer(x)"]


def _flax_kernel(case: Case, transposed: bool) -> str:
    spatial = tuple(range(2, case.rank + 2))
    if transposed:
        return f"kernel = jnp.transpose(w, {(*spatial, 1, 0)})  # (*k, Cout, Cin)"
    return f"kernel = jnp.transpose(jnp.flip(w, {spatial}), {(*spatial, 0, 1)})  # flipped, (*k, Cin, Cout)"


def _flax_arguments(case: Case, transposed: bool) -> list[tuple[str, object]]:
    return [
        ("kernel_size", case.kernel_size),
        ("strides", case.stride),
        ("padding", "'CIRCULAR'" if wraps(case) else jax_padding(case)),
        ("kernel_dilation", case.dilation),
        ("use_bias", case.bias),
        ("transpose_kernel", transposed),
        ("dtype", f"jnp.{case.format.label}" if case.weight_dtype is None else None),  # None promotes
        ("param_dtype", f"jnp.{case.format_of('w').label}"),
    ]


class Haiku(JaxAdapter):
    """``haiku.ConvNDTranspose``, which documents the paddings SAME and VALID and an ``output_shape``."""

    name = "haiku"
    packages = ("dm-haiku", "jax", "jaxlib")
    extra = "haiku"
    documentation = _HAIKU
    limits = (
        no_groups(_HAIKU),
        no_periodic(_HAIKU),
        Limit(
            "inexpressible",
            "dilation",
            lambda case: any(d != 1 for d in case.dilation),
            "the transposed layers have no argument for dilation",
            _HAIKU,
        ),
        Limit(
            "inexpressible",
            "padding",
            lambda case: not named(case),
            'padding is documented as "either VALID or SAME"',
            _HAIKU,
        ),
        no_output_padding_for_invalid_cases(_HAIKU),
    )
    imports: ClassVar[tuple[str, ...]] = ("import haiku as hk",)

    def forward(self, case: Case) -> list[str]:
        """One layer, transformed and applied."""
        padding, output_shape = self._padding(case)
        spatial = tuple(range(2, case.rank + 2))
        layer = call(
            "hk.ConvNDTranspose",
            [
                ("", case.rank),
                ("", case.out_channels),
                ("kernel_shape", case.kernel_size),
                ("stride", case.stride),
                ("output_shape", output_shape),
                ("padding", padding),
                ("with_bias", case.bias),
                ("data_format", repr(case.layout)),
                ("name", "'layer'"),
            ],
        )
        bias = "bias"
        if case.layout == "channels_first":
            bias = f"bias.reshape(-1{', 1' * case.rank})"
        parameters = '"w": kernel' + (f', "b": {bias}' if case.bias else "")
        return [
            f"kernel = jnp.transpose(jnp.flip(w, {spatial}), {(*spatial, 1, 0)})  # flipped, (*k, Cout, Cin)",
            "def layer(x):",
            textwrap.indent(f"return {layer}(x)", "    "),
            "",
            f'return hk.without_apply_rng(hk.transform(layer)).apply({{"layer": {{{parameters}}}}}, x)',
        ]

    def _padding(self, case: Case) -> tuple[str, object]:
        """The arguments ``padding`` and ``output_shape``."""
        solved = geometry(case)
        if solved is None or (case.output_padding is None and case.padding in ("valid", "same", "same_upper")):
            return repr("VALID" if case.padding == "valid" else "SAME"), None
        padding = tensorflow_padding(solved)
        if padding is None:
            raise Declined("inexpressible", "no output_shape of SAME or VALID starts the output there", _HAIKU)
        return repr(padding), solved.output_size


class Equinox(JaxAdapter):
    """``equinox.nn.ConvTranspose``, which takes one channels_first image and is mapped over the batch."""

    name = "equinox"
    packages = ("equinox", "jax", "jaxlib")
    extra = "equinox"
    documentation = _EQUINOX
    limits = (
        Limit(
            "unsupported",
            "output_padding",
            lambda case: (
                case.output_padding is not None
                and not named(case)
                and any(o >= s for o, s in zip(case.output_padding, case.stride, strict=True))
            ),
            "output_padding must be less than stride, elementwise",
            _EQUINOX,
        ),
        no_output_padding_for_invalid_cases(_EQUINOX),
    )
    imports: ClassVar[tuple[str, ...]] = ("import equinox as eqx",)

    def forward(self, case: Case) -> list[str]:
        """One layer with the case's weights as its parameters, under ``jax.vmap``."""
        padding, output_padding = self._padding(case)
        layer = call(
            "eqx.nn.ConvTranspose",
            [
                ("", case.rank),
                ("", case.in_channels),
                ("", case.out_channels),
                ("", case.kernel_size),
                ("stride", case.stride),
                ("padding", padding),
                ("output_padding", output_padding),
                ("dilation", case.dilation),
                ("groups", case.groups),
                ("use_bias", case.bias),
                ("padding_mode", "'CIRCULAR'" if wraps(case) else "'ZEROS'"),
                ("dtype", f"jnp.{case.format_of('w').label}"),
                ("key", "jax.random.key(0)"),
            ],
        )
        assign = "layer = eqx.tree_at(lambda layer: layer.weight, layer, kernel)"
        if case.bias:
            bias = f"bias.reshape(-1{', 1' * case.rank})"
            assign = f"layer = eqx.tree_at(lambda layer: (layer.weight, layer.bias), layer, (kernel, {bias}))"
        lines = [*kernel_lines(case), f"layer = {layer}", assign]
        if case.layout == "channels_last":
            return [*lines, "return jnp.moveaxis(jax.vmap(layer)(jnp.moveaxis(x, -1, 1)), 1, -1)"]
        return [*lines, "return jax.vmap(layer)(x)"]

    def _padding(self, case: Case) -> tuple[object, object]:
        # With an output_padding the layer's SAME is i * s - op long, which is not a convention of the rules.
        names = {"same": "'SAME'", "same_upper": "'SAME'", "same_lower": "'SAME_LOWER'",
                 "circular": "'SAME'", "circular_lower": "'SAME_LOWER'"}  # fmt: skip
        if (
            isinstance(case.padding, str)
            and case.padding in names
            and (case.output_padding is None or wraps(case))
        ):
            return names[case.padding], case.output_padding or 0
        if not isinstance(case.padding, str):
            return case.padding, case.output_padding or 0
        solved = geometry(case)
        if solved is None:
            return "'VALID'", 0
        return solved.crop, 0
