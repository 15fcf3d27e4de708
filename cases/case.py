"""``Case``: one framework-neutral test case, and its id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property, lru_cache
from operator import index
from types import SimpleNamespace
from typing import Any

from conformance.cases.directions import DIRECTIONS
from conformance.cases.dtypes import DTYPES, DType, promoted
from conformance.cases.errors import CaseError, DomainError
from conformance.cases.fields import FIELDS, FieldValues
from conformance.cases.geometry import CONVENTIONS, SPLITS, Geometry, check_domain, solve
from conformance.cases.kinds import DATA_KINDS

__all__ = ["Case"]

_MAX_ID_LENGTH = 1000
_SPATIAL = ("input_size", "kernel_size", "stride", "dilation", "output_padding", "given_output_size")
_INPUTS = ("x", "vx", "dx", "ddx")
_WEIGHTS = ("w", "vw", "dw", "ddw", "bias", "vb", "db")
_PATTERNS = {field.name: re.compile(field.pattern, re.ASCII) for field in FIELDS}


@dataclass(frozen=True)
class Case:
    """One case: the parameters of a transposed convolution and its input data.

    Spatial values are tuples with one entry per axis, outermost first; an int stands for every axis.

    Attributes
    ----------
    rank : int
        Number of spatial axes, 1 to 3.
    input_size, kernel_size : tuple of int
        Spatial sizes in elements.
    batch, in_channels, out_channels : int
        Other sizes of the input and the output.
    stride, dilation : tuple of int
        Steps of the output an input element moves, and the gaps between the taps.
    groups : int
        Number of channel groups (R8).
    padding : str or tuple of (int, int)
        A named convention, the explicit crop (low, high) of each axis (R4), or the split of the crop that leaves
        ``given_output_size``: ``shape_upper`` or ``shape_lower`` (R17).
    output_padding : tuple of int or None
        Extra length at the end; None when not given, which is a different case from 0.
    layout : str
        ``channels_first`` or ``channels_last``.
    dtype : str
        Short name of the number format, such as ``f32``.
    bias : bool
        Whether a bias is added.
    data : str
        Kind of input data.
    seed : int
        Seed of the input data.
    direction : str
        ``fwd`` for the output, ``grad`` for the three gradients, ``grad2`` for the gradients of the gradients.
    given_output_size : tuple of int or None
        The output size that the call states (R17); None under every other padding.
    weight_dtype : str or None
        Short name of the format of weights and bias, where it is not that of the input (R18).
    bias_size : int or None
        Length of the bias, where it is not the number of output channels, so that the case is invalid (R11).
    values : str
        The numbers of tensors under the data kind ``given``, as the id has them (``conformance.cases.literals``).

    Raises
    ------
    CaseError
        A value that cannot be written in a case id.
    """

    rank: int
    input_size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    batch: int = 1
    in_channels: int = 1
    out_channels: int = 1
    stride: tuple[int, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    groups: int = 1
    padding: str | tuple[tuple[int, int], ...] = "valid"
    output_padding: tuple[int, ...] | None = None
    layout: str = "channels_first"
    dtype: str = "f32"
    bias: bool = False
    data: str = "ints"
    seed: int = 0
    direction: str = "fwd"
    given_output_size: tuple[int, ...] | None = None
    weight_dtype: str | None = None
    values: str = ""
    bias_size: int | None = None
    _id: str = dataclass_field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            # So that `replace` of the padding, the dtype, the bias or the data needs no second change.
            if self.padding not in SPLITS:
                object.__setattr__(self, "given_output_size", None)
            if self.weight_dtype == self.dtype or DTYPES[self.dtype].is_complex:
                object.__setattr__(self, "weight_dtype", None)
            if not self.bias or self.bias_size == self.out_channels:
                object.__setattr__(self, "bias_size", None)
            if self.data != "given":
                object.__setattr__(self, "values", "")
            for name in _SPATIAL:
                if getattr(self, name) is not None:
                    object.__setattr__(self, name, _spatial(getattr(self, name), self.rank))
            if not isinstance(self.padding, str):
                pairs = tuple((index(low), index(high)) for low, high in self.padding)
                object.__setattr__(self, "padding", pairs * self.rank if len(pairs) == 1 else pairs)
        except (KeyError, TypeError, ValueError):
            raise CaseError(
                "spatial values are an int or one int per axis, explicit padding pairs of ints"
            ) from None
        object.__setattr__(self, "bias", bool(self.bias))
        # A case may hold the values that its id can express, so the id's own grammar checks them: every field is
        # written as a token and read back.
        tokens = []
        for position, field in enumerate(FIELDS):
            try:
                token = field.write(self)
                values, _ = _read_token(position, token, self.rank)
                exact = all(getattr(self, name) == value for name, value in values.items())
            except (TypeError, StopIteration, ValueError, AttributeError):
                exact = False
            if not exact:
                raise CaseError(f"{field.name}: not a value that a case can hold; accepted: {field.accepts}")
            tokens.append(token)
        object.__setattr__(self, "_id", "-".join(tokens))

    @classmethod
    def parse(cls, text: str) -> Case:
        """Read a case id, full or short.

        In the short form omitted fields take their defaults and one number stands for every axis.

        Parameters
        ----------
        text : str
            Such as ``2d-i5x7-k3-s2-same``.

        Returns
        -------
        Case
            The case; ``str`` prints its full id.

        Raises
        ------
        CaseError
            The message names the wrong field and the accepted form.
        """
        if not isinstance(text, str) or len(text) > _MAX_ID_LENGTH:
            raise CaseError(f"a case id is text of at most {_MAX_ID_LENGTH} characters")
        return _parsed(text)

    @classmethod
    def _parse(cls, text: str) -> Case:
        # No field but the leading rank starts with a digit, so a dash before a digit is a minus sign.
        tokens = re.sub(r"-(?=[0-9])", "m", text).split("-")
        values: FieldValues = {}
        full_tokens: list[str | None] = [None] * len(FIELDS)
        next_position = 0
        for token in tokens:
            position = _field_position(token)
            if position is None:
                raise CaseError(_describe(token))
            field = FIELDS[position]
            if position < next_position:
                raise CaseError(f"{token!r}: {field.name} is given twice or out of order; the order is {_ORDER}")
            if position and "rank" not in values:
                raise CaseError(f"rank: a case id starts with {FIELDS[0].accepts}, not {token!r}")
            next_position = position + 1
            try:
                field_values, full_tokens[position] = _read_token(position, token, values.get("rank", 0))
            except ValueError as error:
                raise CaseError(f"{token!r}: {error}; accepted: {field.accepts}") from None
            values.update(field_values)
        missing = []
        for position, field in enumerate(FIELDS):
            if full_tokens[position] is None and field.default is not None:
                field_values, full_tokens[position] = _read_token(position, field.default, values["rank"])
                values.update(field_values)
            elif full_tokens[position] is None:
                missing.append(field.name)
        if missing:
            raise CaseError(f"{text!r} gives no {' and no '.join(missing)}; a short id is 2d-i5x7-k3-s2-same")
        # The grammar has read these values. To check them against it again, as the constructor does, would take
        # most of the time.
        case = object.__new__(cls)
        vars(case).update(values, _id="-".join(filter(None, full_tokens)))
        return case

    def __str__(self) -> str:
        return self._id

    def geometry(self) -> Geometry:
        """Output size and crop by the written rules.

        Raises
        ------
        DomainError
            The case is invalid (R11).
        """
        return self._geometry

    @property
    def is_valid(self) -> bool:
        """Whether the case is inside the domain (R11)."""
        try:
            self.geometry()
        except DomainError:
            return False
        return True

    @cached_property
    def _geometry(self) -> Geometry:
        check_domain(self)
        misfit = DATA_KINDS[self.data].misfit
        if misfit is not None and (reason := misfit(self)):
            raise DomainError("R11", reason)
        if self.bias_size not in (None, self.out_channels):
            raise DomainError(
                "R11", f"the bias has {self.bias_size} entries for {self.out_channels} output channels"
            )
        return solve(self)

    @property
    def format(self) -> DType:
        """The number format of the output: the smallest that holds the values of input and weights (R18)."""
        return DTYPES[self.dtype if self.weight_dtype is None else promoted(self.dtype, self.weight_dtype)]

    def format_of(self, tensor: str) -> DType:
        """The number format of a tensor by its name, such as ``w``."""
        if self.weight_dtype is None or tensor not in (*_INPUTS, *_WEIGHTS):
            return self.format
        return DTYPES[self.weight_dtype if tensor in _WEIGHTS else self.dtype]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the input in the case's layout."""
        return self.shape(self.in_channels, self.input_size)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weights, (Cin, Cout/G, *k) whatever the layout (R9)."""
        return (self.in_channels, self.out_channels // max(self.groups, 1), *self.kernel_size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the output in the case's layout; raises DomainError as ``geometry`` does."""
        return self.shape(self.out_channels, self.geometry().output_size)

    def output_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the outputs: ``y``; ``dx``, ``dw`` and (with a bias) ``db``; or those of second order.

        Raises
        ------
        DomainError
            The case is invalid (R11).
        """
        shapes = {
            "y": self.output_shape, "dx": self.input_shape, "dw": self.weight_shape, "db": (self.out_channels,),
            "ddx": self.input_shape, "ddw": self.weight_shape, "ddy": self.output_shape,
        }  # fmt: skip
        return {name: shapes[name] for name in self.outputs}

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        names = DIRECTIONS[self.direction].outputs
        return tuple(name for name in names if self.bias or name != "db")

    def shape(self, channels: int, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Arrange batch, channels and spatial sizes in the case's layout."""
        if self.layout == "channels_first":
            return (self.batch, channels, *spatial)
        return (self.batch, *spatial, channels)


def _spatial(value: Any, rank: int) -> tuple[int, ...]:
    """One int per axis; a single one stands for all."""
    values = (index(value),) if not isinstance(value, Iterable) else tuple(index(entry) for entry in value)
    return values * rank if len(values) == 1 else values


# The same ids and the same tokens are read many times, and a case never changes, so that both are cached.


@lru_cache(maxsize=1 << 13)
def _parsed(text: str) -> Case:
    return Case._parse(text)


@lru_cache(maxsize=1 << 14)
def _field_position(token: str) -> int | None:
    """The position of the field that a token belongs to."""
    return next((n for n, field in enumerate(FIELDS) if _PATTERNS[field.name].fullmatch(token)), None)


@lru_cache(maxsize=1 << 14)
def _read_token(position: int, token: str, rank: int) -> tuple[FieldValues, str]:
    """The values that a token gives the attributes of its field, and the token of a full id.

    Raises ValueError for a token that does not match the field.
    """
    field = FIELDS[position]
    if _PATTERNS[field.name].fullmatch(token) is None:
        raise ValueError(f"{token!r} is malformed")
    values = field.read(token, rank)
    case: Any = SimpleNamespace(**{"rank": rank, **values})  # a stand-in with what the field's writer reads
    return values, field.write(case)


_ORDER = ", ".join(field.name for field in FIELDS)


def _describe(token: str) -> str:
    """Describe which field a malformed token was meant for, and what that field accepts."""
    start = re.match("[A-Za-z]*", token)
    letters = start.group() if start else ""
    field = next((field for field in FIELDS if field.prefix and field.prefix == letters), None)
    if field is None and re.fullmatch("[0-9]+d", token):
        field = FIELDS[0]
    if field is None and "." in token:
        field = next(field for field in FIELDS if field.name == "data")
    if field is None:
        from conformance.cases.names import did_you_mean  # slow to import, and for the error only

        words = [*CONVENTIONS, *DTYPES, *DIRECTIONS, *DATA_KINDS]
        return (
            f"{token!r} is not a field of a case id{did_you_mean(token, words)}; the fields in order are {_ORDER}"
        )
    return f"{field.name}: {token!r} is malformed; accepted: {field.accepts}"
