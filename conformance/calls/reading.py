"""From pasted text to the one case that it is about, or to a list of those to choose from."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.calls.cleaning import has_call, parses
from conformance.calls.errors import CallError, OtherOperation
from conformance.calls.form import FORMS, CallContext, Meaning
from conformance.calls.libraries import library_of
from conformance.calls.program import Occurrence, read_program
from conformance.calls.queries import dotted
from conformance.calls.settings import Settings
from conformance.calls.source import broken, readings, short
from conformance.calls.stated_shapes import shapes_by_name, stated_shapes
from conformance.calls.values import Syntax, TensorExpression
from conformance.calls.weights import call_shape
from conformance.cases import CaseError, DomainError
from conformance.cases.names import did_you_mean, similar

__all__ = ["Shapes", "choose", "occurrences_of", "python_occurrences", "unknown_call"]

_MOST_LISTED = 12
_ANY_SIZE = 64
_NN = {"mx": "mlx.nn", "paddle": "paddle.nn"}
_FORWARD = re.compile(r"(?:lazy)?conv(?:olution)?_?(?P<rank>[123])?d?", re.IGNORECASE)
# Libraries whose calls have the same last names, and are not read.
_OTHER_LIBRARIES = {"mxnet", "chainer", "lasagne", "theano", "tensorlayer", "cntk", "mindspore", "megengine"}
# First parts of names that may stand for a library that can be read.
_ABBREVIATED = {"nn", "layers", "helper", "ops", "functional", "backend", "self", "K", "L", "M"}
_INPUT_CHANNELS = {"in_channels", "in_features"}
_PER_AXIS = {"kernel_size", "stride", "strides", "padding", "output_padding", "dilation"}
_ROOTS = {"tf": "keras", "tensorflow": "keras", "tf_keras": "keras", "linen": "flax", "nnx": "flax", "hk": "haiku"}


@dataclass(frozen=True)
class Shapes:
    """Shapes that are given separately from the text."""

    input: tuple[int, ...] | None = None
    weight: tuple[int, ...] | None = None


class _Forms:
    """Finds and reads the calls that there is a form for."""

    def __init__(self) -> None:
        self.settings = Settings()

    def finds(self, *names: str) -> str | None:
        """The first of the names that is the name of a form; a name in the text may stand for an imported one."""
        path, *texts = names
        if path in FORMS:
            return path
        if "quant" in path or path.partition(".")[0] in _OTHER_LIBRARIES:
            return None
        imported = _root(path)
        for text in texts:
            form = FORMS.get(text)
            if form and (path == text or imported == _root(form.name) or imported not in _known_roots()):
                return text
        # Modules may stand between: tensorflow.contrib.keras.layers, keras.layers.convolutional.
        parts = path.split(".")
        ends = (".".join(parts[start:]) for start in range(1, len(parts)))
        return next((end for end in ends if end in FORMS and imported == _root(FORMS[end].name)), None)

    def suited(self, name: str, kwargs: Mapping[str, Any]) -> str:
        """The call of that name, perhaps of another library, that takes the keywords; else the name."""
        last = FORMS[name].name.rpartition(".")[2]
        others = (form.name for form in FORMS.values() if form.name.rpartition(".")[2] == last)
        return next((each for each in (name, *others) if FORMS[each].takes(kwargs)), name)

    def weight_shape(self, call: Syntax) -> tuple[int, ...] | None:
        """The shape of the weights of a layer that is made with the number of its input channels."""
        if not _INPUT_CHANNELS & inspect.signature(FORMS[call.name].function).parameters.keys():
            return None
        try:
            meaning = _read(call, Shapes(), self.settings)
        except (CallError, CaseError, DomainError):
            return None
        return call_shape(meaning.weight, meaning.case) if meaning.case.groups > 0 else None

    def argument(self, call: Syntax, name: str) -> Any:
        """An argument of a layer as its attribute: sizes are one number per axis."""
        form = FORMS[call.name]
        try:
            bound = inspect.signature(form.function).bind_partial(
                None, *call.arguments.args, **call.arguments.kwargs
            )
        except TypeError:
            return None
        bound.apply_defaults()
        value = bound.arguments.get(name)
        return (value,) * form.rank if name in _PER_AXIS and type(value) is int and form.rank else value

    def output(self, call: Syntax) -> tuple[int | None, ...] | None:
        """The shape of the output, as far as the text says that of the input."""
        image = next((value for value in call.values if isinstance(value, TensorExpression)), None)
        if image is None or image.shape is None:
            return self._output_channels(call)
        # Sizes that are not known are computed with some number, and are not known of the output either.
        sizes = tuple(_ANY_SIZE if size is None else size for size in image.shape)
        try:
            case = _read(call, Shapes(input=sizes), self.settings).case
            shape: tuple[int | None, ...] = case.output_shape
        except (CallError, CaseError, DomainError):
            return None
        shape = shape if len(sizes) == case.rank + 2 else shape[1:]
        channels = len(sizes) - 1 if case.layout == "channels_last" else len(sizes) - case.rank - 1
        return tuple(
            size if own is not None or axis == channels else None
            for axis, (size, own) in enumerate(zip(shape, image.shape, strict=True))
        )

    def _output_channels(self, call: Syntax) -> tuple[int | None, ...] | None:
        """The shape of the output where nothing is known of the input: the number of axes and the channels."""
        try:
            case = _read(call, Shapes(), self.settings).case
        except (CallError, CaseError, DomainError):
            return None
        sizes = (None,) * case.rank
        last = case.layout == "channels_last"
        return (None, *sizes, case.out_channels) if last else (None, case.out_channels, *sizes)


def _root(name: str) -> str:
    head = name.partition(".")[0]
    return _ROOTS.get(head, head)


def _known_roots() -> set[str]:
    return {_root(form.name) for form in FORMS.values()}


def python_occurrences(text: str) -> tuple[list[Occurrence], Settings, tuple[str, ...], list[str]]:
    """The transposed convolutions in Python source, its settings, notes, and similar names that are unknown.

    Raises
    ------
    CallError
        The text is not Python, or it is too large.
    """
    first: CallError | None = None
    unknown: list[str] = []
    for reading in readings(text):
        if unknown and reading.of_prose:
            continue
        forms = _Forms()
        forms.settings.stated, forms.settings.stated_names = stated_shapes(text), shapes_by_name(text)
        try:
            program = read_program(reading.body, forms, forms.settings, _nn_of(reading.body))
        except RecursionError:
            raise CallError(f"{short(text)} is nested too deeply") from None
        if program.occurrences:
            return program.occurrences, program.settings, reading.notes, program.unknown
        unknown = unknown or program.unknown
        first = first or _nothing(text, reading.body)
    if first is not None and not unknown:
        raise broken(text) if has_call(text) and not parses(text) else first
    return [], Settings(), (), unknown


def _nn_of(body: list[ast.stmt]) -> dict[str, str]:
    """What ``nn`` is by the other names of a text that does not import it; PyTorch's, or the arguments tell."""
    names = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    found = next((library for name, library in _NN.items() if name in names), None)
    return {} if found is None or "torch" in names else {"nn": found}


def _nothing(text: str, body: list[ast.stmt]) -> CallError:
    values = [node.value for node in body if isinstance(node, ast.Expr | ast.Assign)]
    calls = [value for value in values if isinstance(value, ast.Call)]
    if len(body) == 1 and len(calls) == 1:
        function = calls[0].func
        while isinstance(function, ast.Call):
            function = function.func
        name = dotted(function)
        if name is None:
            return CallError(f"{ast.unparse(function)!r} is not the name of a function")
        return unknown_call(name)
    return CallError(f"{short(text)} is not one call; write it as in torch.nn.ConvTranspose2d(16, 33, 3)")


def _transposed(name: str, rank: str | None) -> list[str]:
    """The calls for a number of axes, from the module of a name if it has any."""
    fitting = [spelling for spelling, form in FORMS.items() if rank is None or form.rank in (None, int(rank))]
    module = name.rpartition(".")[0]
    return [each for each in fitting if each.rpartition(".")[0] == module] or fitting


def unknown_call(name: str) -> CallError:
    """The error for a call that cannot be read."""
    library = library_of(name)
    libraries = {library_of(form.name) for form in FORMS.values()}
    if (forward := _FORWARD.fullmatch(name.rpartition(".")[2])) is not None:
        hint = did_you_mean(name, _transposed(name, forward["rank"]))
        return CallError(f"{name} is not a transposed convolution{hint}; a forward convolution cannot be a case")
    meant = similar(library, libraries, most=1)
    if library != name and library not in libraries | _ABBREVIATED and meant:
        hint = did_you_mean(f"{meant[0]}.{name.partition('.')[2]}", FORMS)
        return CallError(f"unknown call {name!r}{hint or f' (did you mean {meant[0]!r}?)'}")
    if library != name and library not in libraries | _ABBREVIATED:
        return CallError(
            f"unknown call {name!r}: calls of {library} cannot be read; write one with the same parameters, as in "
            "torch.nn.ConvTranspose2d(16, 33, 3, stride=2)"
        )
    known = sorted({re.sub("[123](?=[dD])", "{1,2,3}", form.name) for form in FORMS.values()})
    hint = did_you_mean(name, FORMS)
    return CallError(f"unknown call {name!r}{hint}; known are {', '.join(known)}")


def _read(call: Syntax, shapes: Shapes, settings: Settings) -> Meaning:
    form = FORMS[call.name]
    context = CallContext(
        name=form.name,
        rank=form.rank,
        input_shape=shapes.input,
        weight_shape=shapes.weight,
        applied=call.applied,
        layer=call.layer,
        copies=call.copies,
        settings=settings,
    )
    return form.read(call.arguments, context)


def occurrences_of(
    occurrences: list[Occurrence], settings: Settings, shapes: Shapes
) -> Iterator[tuple[Occurrence, Meaning | CallError]]:
    """Each distinct case of the text, with the first place where it stands, in the order of the text."""
    read: list[tuple[Occurrence, Meaning | CallError]] = []
    for occurrence in occurrences:
        try:
            meaning = _read(occurrence.call, shapes, settings)
            case = replace(meaning.case, direction=occurrence.direction)
            read.append((occurrence, replace(meaning, case=case)))
        except OtherOperation as error:
            if len(occurrences) == 1:
                read.append((occurrence, error))
        except (CallError, CaseError) as error:
            read.append((occurrence, error if isinstance(error, CallError) else CallError(str(error))))
    with_shape = {(one.line, one.text) for one, _ in read if _has_input(one)}
    seen = set()
    for occurrence, came in sorted(read, key=lambda pair: pair[0].line):
        # A layer whose input is known at one call of it says nothing more where it is not.
        if not _has_input(occurrence) and (occurrence.line, occurrence.text) in with_shape:
            continue
        key = str(came.case) if isinstance(came, Meaning) else f"{occurrence.text}: {came}"
        if key not in seen:
            seen.add(key)
            yield occurrence, came


def _has_input(occurrence: Occurrence) -> bool:
    call = occurrence.call
    starts = (call.arguments.first, call.applied.first if call.applied else None)
    return any(isinstance(value, TensorExpression) and value.shape is not None for value in starts)


def choose(read: list[tuple[Occurrence, Meaning | CallError]], number: int | None, text: str) -> Meaning:
    """The case to run: the only one, or the one with a number.

    Raises
    ------
    CallError
        There are several, and no number says which; or the one cannot be read.
    """
    if number is None and len(read) > 1:
        raise CallError(f"{short(text)} contains {len(read)} calls; choose one with --call N: {_listed(read)}")
    place = 1 if number is None else number
    if not 1 <= place <= len(read):
        raise CallError(
            f"--call {place}: the text contains {len(read)} call{'s' * (len(read) > 1)}: {_listed(read)}"
        )
    chosen = read[place - 1][1]
    if isinstance(chosen, CallError):
        raise chosen
    return chosen


def _listed(read: list[tuple[Occurrence, Meaning | CallError]]) -> str:
    texts = [" ".join(occurrence.text.split()) for occurrence, _ in read]
    lines = []
    for number, ((occurrence, came), text) in enumerate(zip(read[:_MOST_LISTED], texts, strict=False), 1):
        where = f" in line {occurrence.line}" if occurrence.line else ""
        # A loop runs one call with different numbers.
        which = f", {came.case}" if texts.count(text) > 1 and isinstance(came, Meaning) else ""
        lines.append(f"{number}: {text if len(text) <= 90 else text[:87] + '...'}{where}{which}")
    more = f"; and {len(read) - _MOST_LISTED} more" if len(read) > _MOST_LISTED else ""
    return "; ".join(lines) + more
