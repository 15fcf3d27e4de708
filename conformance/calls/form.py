"""The registry of forms, and the context in which one reads a call as a case."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.calls.arguments import (
    crops_for_output,
    dtype_name,
    full_size,
    given_or_none,
    number,
    pairs,
    per_axis,
    refuse,
    symmetric,
    truth,
)
from conformance.calls.dtype_names import device_fact
from conformance.calls.errors import CallError, OtherOperation
from conformance.calls.facts import Dtypes, data_kind, left_out
from conformance.calls.given_values import given_values
from conformance.calls.settings import Settings
from conformance.calls.stated_shapes import with_stated_input
from conformance.calls.values import Arguments, Layer, TensorExpression
from conformance.cases import Case, CaseError
from conformance.cases.dtypes import DTYPES
from conformance.cases.layouts import layout_doubt
from conformance.cases.names import did_you_mean

__all__ = [
    "FORMS",
    "CallContext",
    "CallError",
    "Form",
    "Meaning",
    "OtherOperation",
    "TensorExpression",
    "WeightForm",
    "crops_for_output",
    "dtype_name",
    "form",
    "full_size",
    "given_or_none",
    "number",
    "pairs",
    "per_axis",
    "refuse",
    "symmetric",
    "truth",
]

# The default input size: all axes differ, so that a mixed-up axis shows.
_SMALL_INPUT = (5, 7, 6)
_SMALL_CHANNELS = 4


@dataclass(frozen=True)
class WeightForm:
    """The layout of a call's weights, compared with a case's (Cin, Cout/G, \\*k) (R9).

    Attributes
    ----------
    axes : str
        Order of the axes: ``i`` input channels, ``o`` output channels, ``*`` the kernel.
    flipped : bool
        Whether the kernel is reversed along every spatial axis.
    grouped_inputs : bool
        Whether the input channels of a group, not the output channels, share the axis: (Cout, Cin/G).
    """

    axes: str = "io*"
    flipped: bool = False
    grouped_inputs: bool = False


@dataclass(frozen=True)
class Meaning:
    """A call as a case.

    Attributes
    ----------
    name : str
        Full name of the function or class.
    case : Case
        The case.
    weight : WeightForm
        The layout of the call's weights.
    notes : tuple of str
        Notes for the reader, one sentence each.
    """

    name: str
    case: Case
    weight: WeightForm
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class CallContext:
    """The context of a call: its name, the rank in its name, and what is known of its tensors.

    A shape that is given separately has precedence over the one of the text.
    """

    name: str
    rank: int | None
    input_shape: tuple[int, ...] | None
    weight_shape: tuple[int, ...] | None
    applied: Arguments | None
    layer: Layer | None = None
    copies: int = 1
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.partial_shape: tuple[int | None, ...] | None = None
        self.tensors: dict[str, TensorExpression | None] = {"input": None, "weights": None, "bias": None}
        self.casts = False
        self.narrows = ""
        self.bias_size: int | None = None
        self.facts: list[str] = []
        if self.layer is not None:
            self.tensors.update(weights=self.layer.weight, bias=self.layer.bias)
        if self.applied and self.applied.args:
            self.take_input(self.applied.args[0])

    def take_input(self, value: Any) -> None:
        """Take the input from the call; its shape only if that is not given separately."""
        if not isinstance(value, TensorExpression):
            return
        self.tensors["input"] = value
        if self.input_shape is None and self.partial_shape is None:
            self.input_shape = value.known_shape()
            self.partial_shape = value.shape if self.input_shape is None else None

    def take_bias(self, value: Any, channels: int) -> bool:
        """Whether there is a bias; one whose length is not that of the output channels makes the case invalid."""
        if isinstance(value, TensorExpression):
            self.tensors["bias"] = value
            length = value.shape[0] if value.shape is not None and len(value.shape) == 1 else channels
            if length is not None and length != channels:
                self.bias_size = length
        return value is not None

    def take_device(self, device: Any) -> None:
        """Note the device that a layer is made on."""
        if device is not None:
            self.facts += [fact for fact in device_fact(device) if fact not in self.facts]

    def take_weight(self, value: Any) -> tuple[int, ...]:
        """The shape of the weights, from the call or given separately."""
        made = value if isinstance(value, TensorExpression) else None
        if made is not None:
            self.tensors["weights"] = made
        shape = self.weight_shape or (made.known_shape() if made else None)
        if shape is None:
            raise CallError(
                f"{self.name}: the shape of the weights is not known; give --weight, or write a tensor "
                "whose shape can be read, such as zeros((4, 8, 3, 3))"
            )
        rank = len(shape) - 2
        if rank not in (1, 2, 3) or self.rank not in (None, rank):
            axes = (self.rank or 0) + 2 or "3 to 5"
            raise CallError(f"{self.name}: the weights have {len(shape)} axes; {axes} are needed")
        self.rank = rank
        return shape

    def rank_from_input(self, unbatched: bool = False) -> int:
        """The rank, from the call's name, its kernel or its input."""
        if self.rank is None:
            shape = self.input_shape or self.partial_shape
            if shape is None:
                raise CallError(f"{self.name}: the number of axes is not known; give --input")
            self.rank = len(shape) - (1 if unbatched else 2)
            if self.rank not in (1, 2, 3):
                raise CallError(f"--input: {len(shape)} axes for {self.name}; 3 to 5 are needed")
        return self.rank

    def meaning(
        self,
        *,
        layout: str,
        in_channels: int | None,
        out_channels: Any,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = "valid",
        output_size: tuple[int, ...] | None = None,
        output_padding: Any = None,
        dilation: Any = 1,
        groups: Any = 1,
        bias: Any = False,
        dtype: Any = None,
        weight: WeightForm | None = None,
        unbatched: bool = False,
        place: Callable[[tuple[int, ...]], Any] | None = None,
    ) -> Meaning:
        """Make the case.

        ``place`` maps the spatial input size to the padding, for calls whose crop depends on it. ``unbatched``:
        the call takes an input without a batch axis.
        """
        rank = self.rank_from_input(unbatched)
        groups = number("groups", groups)
        batch, channels, spatial = self._sizes(rank, layout, in_channels, groups, unbatched)
        short, weight_dtype = self._dtypes(dtype)
        data, notes = data_kind(self.tensors)
        try:
            case = Case(
                rank=rank,
                batch=batch * self.copies,
                in_channels=channels,
                out_channels=number("output channels", out_channels),
                input_size=spatial,
                kernel_size=per_axis("kernel_size", kernel_size, rank),
                stride=per_axis("stride", stride, rank),
                dilation=per_axis("dilation", dilation, rank),
                groups=groups,
                padding=place(spatial) if place else padding,
                given_output_size=output_size,
                output_padding=output_padding,
                layout=layout,
                dtype=short,
                weight_dtype=weight_dtype,
                bias=truth("bias", bias),
                bias_size=self.bias_size,
                data=data,
            )
        except CaseError as error:
            raise CallError(f"{self.name}: {error}") from None
        if place is None and self.input_shape is None:
            case = self._as_stated(case, in_channels)
        weight = weight or WeightForm()
        case = self._with_values(case, weight, notes)
        if weight.flipped:
            self.notes.append("the call reverses its kernel; the case's weights are the call's, flipped in space")
        # A call with explicit input channels has been compared with the input in its layout already.
        if in_channels is None and (doubt := layout_doubt(case)):
            self.notes.append(doubt)
        return Meaning(self.name, case, weight, tuple(self.notes))

    def _as_stated(self, case: Case, in_channels: int | None) -> Case:
        """The case with the input that the text states, where its calls say none."""
        stated = with_stated_input(case, self.settings.stated, in_channels, self.partial_shape)
        if stated is None:
            return case
        self.notes = [note for note in self.notes if "--input given" not in note]
        self.notes.append(f"no --input given; using {'x'.join(map(str, stated.input_shape))}, a shape in the text")
        return stated

    def _dtypes(self, argument: Any) -> tuple[str, str | None]:
        name = None if argument is None else dtype_name(argument)
        if name is None and argument is not None:
            self.notes.append(f"not part of the case: the dtype ({argument!s}), which the text does not say")
        given = None if name is None else DTYPES[name].label
        kind = self.name.rpartition(".")[2]
        dtypes = Dtypes(
            default=self.settings.dtype,
            layer=(self.layer.dtype if self.layer else None) or given,
            is_layer=kind[:1].isupper(),
            casts=self.casts,
            narrows=self.narrows,
        )
        short, weights, notes = dtypes.of_case(self.tensors["input"], self.tensors["weights"])
        self.notes += notes
        return short, weights

    def _with_values(self, case: Case, weight: WeightForm, notes: tuple[str, ...]) -> Case:
        """The case with the numbers of the text, and notes on what of the text it does not have."""
        roles: tuple[str, ...] = ()
        if case.data == "ints":
            axes = None if weight.grouped_inputs and case.groups != 1 else weight.axes
            text, roles = given_values(case, self.tensors, axes, weight.flipped)
            case = replace(case, data="given", values=text) if text else case
        facts = [*self.facts, *(self.layer.facts if self.layer else ()), *self.settings.facts]
        self.notes += [*notes, *left_out(self.tensors, facts, roles)]
        return case

    def _invented(self, rank: int, layout: str, channels: int, unbatched: bool) -> tuple[int, ...]:
        """The input's shape where the text does not say it, or not all of it."""
        small = _SMALL_INPUT[:rank]
        whole = (channels, *small) if layout == "channels_first" else (*small, channels)
        whole = whole if unbatched else (1, *whole)
        partial = self.partial_shape
        if partial is None or len(partial) not in (rank + 1, rank + 2):
            self.notes.append(f"no --input given; using {'x'.join(map(str, whole))}")
            return whole
        whole = whole[-len(partial) :]
        shape = tuple(own if size is None else size for own, size in zip(whole, partial, strict=True))
        written = "x".join("?" if size is None else str(size) for size in partial)
        self.notes.append(
            f"of the input only {written} is known, and no --input given; using {'x'.join(map(str, shape))}"
        )
        return shape

    def _sizes(
        self, rank: int, layout: str, in_channels: int | None, groups: int, unbatched: bool
    ) -> tuple[int, int, tuple[int, ...]]:
        shape = self.input_shape
        if shape is None:
            given = in_channels if in_channels is not None else _SMALL_CHANNELS * max(groups, 1)
            shape = self._invented(rank, layout, given, unbatched)
            if self.partial_shape is None:
                size = shape[-rank:] if layout == "channels_first" else shape[-rank - 1 : -1]
                return 1, given, size
        if len(shape) == rank + 1:
            if not unbatched:
                self.notes.append("the input has no batch axis; it is used as a batch of 1")
            shape = (1, *shape)
        if len(shape) != rank + 2:
            form = f"{rank + 1} or {rank + 2} axes ({'CDHW'[:1] + 'DHW'[-rank:]}, batch first)"
            if layout == "channels_last":
                form = f"{rank + 2} axes (N, {', '.join('DHW'[-rank:])}, C)"
            raise CallError(
                f"the input {'x'.join(map(str, shape))} has {len(shape)} axes; {self.name} takes {form}"
            )
        channels = shape[1] if layout == "channels_first" else shape[-1]
        if in_channels is not None and in_channels != channels:
            raise CallError(
                f"the input {'x'.join(map(str, shape))} has {channels} channels ({layout}); "
                f"{self.name} expects {in_channels}"
            )
        return shape[0], channels, shape[2:] if layout == "channels_first" else shape[1:-1]


@dataclass(frozen=True)
class Form:
    """One call that can be read: its full name, the rank in its name, and the function that reads it.

    ``importable`` is False for a call that no installed framework has: one of an old version, or of a model file.
    ``once`` has the names that arguments had in older versions.
    """

    name: str
    rank: int | None
    function: Callable[..., Meaning]
    importable: bool = True
    once: Mapping[str, str] = field(default_factory=dict)

    def takes(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether the call has arguments of these names."""
        parameters = inspect.signature(self.function).parameters
        return all(name in parameters or name in self.once for name in kwargs)

    def read(self, given: Arguments, context: CallContext) -> Meaning:
        """Bind the arguments as Python would, and read them."""
        signature, written = inspect.signature(self.function), given.kwargs
        given = replace(given, kwargs=self._renamed(given.kwargs))
        context.notes += [
            f"{name} is the name of {self.once[name]} in an older version" for name in written if name in self.once
        ]
        parameters = list(signature.parameters)[1:]
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        takes_any = inspect.Parameter.VAR_KEYWORD in kinds
        unknown = [name for name in given.kwargs if name not in parameters and not takes_any]
        if unknown:  # first, since a misspelt name is an unknown argument and a missing one
            hint = did_you_mean(unknown[0], parameters)
            raise CallError(
                f"{self.name}: unknown argument {unknown[0]!r}{hint}; it takes {', '.join(parameters)}"
            )
        try:
            bound = signature.bind(context, *given.args, **given.kwargs)
        except TypeError as error:
            raise CallError(f"{self.name}: {error}; it takes {', '.join(parameters)}") from None
        bound.apply_defaults()
        if takes_any or inspect.Parameter.VAR_POSITIONAL in kinds:
            return self.function(*bound.args, **bound.kwargs)
        return self.function(**bound.arguments)  # by name: the order in a signature may be a rank's own

    def _renamed(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The keywords with the names of today; a name of today wins."""
        own = {self.once[name]: value for name, value in kwargs.items() if name in self.once}
        return own | {name: value for name, value in kwargs.items() if name not in self.once}


FORMS: dict[str, Form] = {}
"""Every spelling of every call, by the name a user may write."""


def form(
    *spellings: str,
    ranks: tuple[int, ...] = (1, 2, 3),
    importable: bool = True,
    once: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Meaning]], Callable[..., Meaning]]:
    """Register a form under its spellings, the full name first.

    ``{rank}`` in them is replaced by each of ``ranks``. Without it, the rank is fixed only if there is one.
    ``once`` maps the names that arguments had in older versions to those of today.
    """

    def register(function: Callable[..., Meaning]) -> Callable[..., Meaning]:
        named = "{rank}" in spellings[0] or len(ranks) == 1
        for rank in ranks if named else (None,):
            full = spellings[0].format(rank=rank)
            for spelling in spellings:
                written = spelling.format(rank=rank)
                if written in FORMS:
                    raise ValueError(f"two forms have the spelling {written}")
                FORMS[written] = Form(full, rank, function, importable, once or {})
        return function

    return register
