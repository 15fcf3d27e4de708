"""The domain in classes: which kinds of value each parameter has, and which of them can be combined.

Case sets are covering arrays over these classes, and coverage is counted in them
(``conformance.cases.design.coverage``). `classify` reads the classes of a case, so that any list of cases can be
counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.cases.case import Case

__all__ = ["FACTORS", "SPACES", "Factor", "Row", "Space", "allowed", "classify"]

Row = Mapping[str, str]


@dataclass(frozen=True)
class Factor:
    """One parameter of the domain.

    Attributes
    ----------
    levels : tuple of str
        The classes that covering arrays combine.
    classify : callable
        Maps a case to its class, which may be one outside ``levels`` (batch ``zero``).
    """

    levels: tuple[str, ...]
    classify: Callable[[Case], str]


def _padding(case: Case) -> str:
    if isinstance(case.padding, str):
        return case.padding
    return "symmetric" if all(low == high for low, high in case.padding) else "asymmetric"


def _output_padding(case: Case) -> str:
    if case.output_padding is None:
        return "auto"
    return "positive" if max(case.output_padding) > 0 else "zero"


def _kernel(case: Case) -> str:
    if max(case.kernel_size) == 1:
        return "one"
    if any(k < s for k, s in zip(case.kernel_size, case.stride, strict=True)):
        return "smaller"
    return "odd" if all(k % 2 for k in case.kernel_size) else "even"


def _groups(case: Case) -> str:
    if case.groups == 1:
        return "one"
    if case.in_channels == case.groups:
        return "depthwise"
    return "several" if case.out_channels > case.groups else "single output"


def _counted(value: int) -> str:
    return {0: "zero", 1: "one"}.get(value, "several")


FACTORS: dict[str, Factor] = {
    "rank": Factor(("1", "2", "3"), lambda case: str(case.rank)),
    "layout": Factor(("channels_first", "channels_last"), lambda case: case.layout),
    # valid and same are named conventions; the other two are explicit crops, alike at both ends or not.
    "padding": Factor(("valid", "same", "symmetric", "asymmetric"), _padding),
    "output_padding": Factor(("auto", "zero", "positive"), _output_padding),
    # The largest stride of any axis.
    "stride": Factor(("one", "two", "many"), lambda case: {1: "one", 2: "two"}.get(max(case.stride), "many")),
    "dilation": Factor(("one", "many"), lambda case: "one" if max(case.dilation) == 1 else "many"),
    # All ones; smaller than the stride on some axis; else all odd, or even on some axis.
    "kernel": Factor(("one", "odd", "even", "smaller"), _kernel),
    # several: more than one input and output channel per group. depthwise: one input channel per group.
    "groups": Factor(("one", "several", "depthwise"), _groups),
    "batch": Factor(("one", "several"), lambda case: _counted(case.batch)),
    "dtype": Factor(("f64", "f32", "f16", "bf16"), lambda case: case.dtype),
    "bias": Factor(("no", "yes"), lambda case: "yes" if case.bias else "no"),
    "data": Factor(("ints", "normal"), lambda case: case.data),
    "direction": Factor(("fwd", "grad"), lambda case: case.direction),
}

_IMPOSSIBLE: tuple[Row, ...] = (
    # A kernel is smaller than the stride only at a stride above one, and on one axis it then leaves no class
    # between 1 and 2.
    {"kernel": "smaller", "stride": "one"},
    {"kernel": "smaller", "stride": "two", "rank": "1"},
    # R12 requires an output only for an output_padding below max(stride, dilation).
    {"output_padding": "positive", "stride": "one", "dilation": "one"},
)
_NO_GROUPS: tuple[Row, ...] = ({"groups": "several"}, {"groups": "depthwise"})
_PLAIN: tuple[Row, ...] = (
    {"stride": "two", "dilation": "many"},
    {"stride": "many", "dilation": "many"},
    {"output_padding": "positive", "stride": "one"},
    *(
        {"dtype": dtype, **rest}
        for dtype in ("f64", "f16")
        for rest in ({"layout": "channels_first"}, {"dilation": "many"})
    ),
)


@dataclass(frozen=True)
class Space:
    """A part of the domain that some interfaces are confined to, and that the tiers cover separately.

    Attributes
    ----------
    about : str
        What confines it.
    forbidden : tuple of dict
        Combinations of classes that do not occur, each from factor to level.
    confines : callable
        Whether a case lies in the space, as far as the classes cannot express it.
    """

    about: str
    forbidden: tuple[Row, ...]
    confines: Callable[[Case], bool] = lambda case: True


def _plain_enough(case: Case) -> bool:
    """output_padding below the stride, and no zeros beyond the full output by explicit crops."""
    small = all(o < s for o, s in zip(case.output_padding or (0,) * case.rank, case.stride, strict=True))
    return small and (isinstance(case.padding, str) or min(high for _, high in case.geometry().crop) >= 0)


SPACES: dict[str, Space] = {
    "whole": Space("everything", _IMPOSSIBLE),
    "ungrouped": Space("interfaces without groups", _IMPOSSIBLE + _NO_GROUPS),
    "plain": Space(
        "no groups, a stride or a dilation but not both, output_padding below the stride, and f64 and f16 only in "
        "channels_last without dilation",
        _IMPOSSIBLE + _NO_GROUPS + _PLAIN,
        _plain_enough,
    ),
}


def classify(case: Case) -> dict[str, str]:
    """The class of every factor of a case."""
    return {name: factor.classify(case) for name, factor in FACTORS.items()}


def allowed(row: Row, space: str = "whole") -> bool:
    """Whether a row of classes lies in a space, as far as classes can express it."""
    return not any(
        all(row[name] == level for name, level in combination.items()) for combination in SPACES[space].forbidden
    )
