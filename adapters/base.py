"""The interface an implementation is wrapped in.

An adapter turns a case into a *program*: the source text of the call that a user of the framework would write.
The host runs that text, and a repro script prints it, so the two cannot differ.
"""

from __future__ import annotations

import abc
import linecache
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import CodeType
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.declared import DocumentedRefusal, Limit
from conformance.adapters.facts import Fact
from conformance.adapters.machines import MACHINES, NATIVE, Machine
from conformance.cases.case import Case
from conformance.cases.dtypes import DTYPES

__all__ = [
    "Adapter",
    "AdapterBug",
    "Declined",
    "DocumentedRefusal",
    "Limit",
    "NotNumbers",
    "Program",
    "Tensor",
    "call",
    "conversion_line",
    "inline_return",
]

_CODES_KEPT = 256

_SHORT_NAMES = {dtype.label: dtype.name for dtype in DTYPES.values()}


@cache
def _short_name(dtype: np.dtype[Any]) -> str:
    return _SHORT_NAMES.get(dtype.name, dtype.name)


class Declined(Exception):
    """An adapter does not ask this question.

    Attributes
    ----------
    status : str
        ``unsupported`` (the framework documents that it cannot) or ``inexpressible`` (its interface has no
        words for it).
    reason, source : str
        Why, and the documentation that says so.
    """

    def __init__(self, status: str, reason: str, source: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.source = status, reason, source


class AdapterBug(Exception):
    """The adapter itself failed, not the framework it wraps."""


class NotNumbers(Exception):
    """What an implementation gave as an output is no plain array of numbers."""


def _require_numbers(value: Any) -> None:
    """Raise NotNumbers for an output that conversion to a plain array would make up or hide something of."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        masked = int(np.ma.getmaskarray(value).sum())
        raise NotNumbers(f"the output is a masked array, {masked} of whose {value.size} elements are masked")
    if value is None:
        raise NotNumbers("the output is None")
    array = np.asarray(value)
    if array.dtype.kind in "OSUMm":
        raise NotNumbers(f"the output is a {type(value).__name__} of dtype {array.dtype}, which holds no numbers")


@dataclass(frozen=True)
class Program:
    """Source text of one call.

    ``setup`` holds imports and settings of the process. ``body`` finds NumPy arrays ``x``, ``w``, ``bias`` and
    ``dy`` (those the case has; for second order ``vx``, ``vw`` and ``vb`` too) in the case's layout and leaves the
    tensors of ``Case.outputs`` as the framework's own, in the case's layout, weights as (Cin, Cout/G, *k).
    ``bias`` is None without one.
    """

    setup: tuple[str, ...]
    body: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self.setup, "", *self.body]) + "\n"


@dataclass(frozen=True)
class Tensor:
    """An answer: values in a carrier dtype, and the short name of the format they came in."""

    values: np.ndarray
    dtype: str

    @classmethod
    def of(cls, array: Any) -> Tensor:
        """Take a NumPy array; ml_dtypes' bfloat16 becomes float32 with the name ``bf16``."""
        _require_numbers(array)
        array = np.asarray(array)
        name = _short_name(array.dtype)
        if name == "bf16":
            array = array.astype(np.float32)
        return cls(array, name)


def _defines_functions(code: CodeType) -> bool:
    """Whether code makes functions, each of which ``torch.compile`` ties to the globals it first had."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return any(not function.co_name.startswith("<") for function in inner)


class Adapter(abc.ABC):
    """One implementation of the transposed convolution.

    Constructing an adapter imports its framework; its class attributes are plain declarations that can be read
    without it.

    Attributes
    ----------
    name : str
        Name on the command line.
    packages : tuple of str
        Distributions whose versions identify an answer, the framework first.
    extra : str
        Name of the project's extra that installs the packages.
    documentation : str
        The interface's own documentation.
    limits : tuple of Limit
        What it is known not to do.
    refusals : tuple of DocumentedRefusal
        The error messages that stand for a documented limit.
    promises : mapping
        Accuracy profile promised for each dtype (see ``conformance.oracle.error_bound``).
    environment : mapping
        Environment variables its process needs before the framework is imported.
    facts : tuple of Fact
        What is measured in its process, beside the facts of its packages (``conformance.adapters.facts.FACTS``).
    bias_in_storage : bool
        Whether the bias is added by a second operation on a result that is already rounded to the format of the
        question (and its gradient is a sum in that format), so that half formats promise no more than
        ``storage-acc`` with a bias.
    shape_only : bool
        Whether it is a shape inference, which answers a forward question by the output shape alone: its programs
        leave ``shape``, in the case's layout, in place of ``y``.
    second_order : bool
        Whether its programs ask for the gradients of gradients (R16).
    device : str
        ``cpu`` or ``cuda``.
    repeatable : bool
        Whether two answers to one question have the same bits; False where the documentation says that they may
        not, and then only exact data are held to it.
    compiles_in_threads : bool
        Whether several programs may run at a time, and what the framework compiles for one stays for the next, so
        that questions whose turn has not come can be compiled for.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str] = ""
    documentation: ClassVar[str]
    limits: ClassVar[tuple[Limit, ...]] = ()
    refusals: ClassVar[tuple[DocumentedRefusal, ...]] = ()
    promises: ClassVar[Mapping[str, str]] = {
        "f64": "fp64",
        "f32": "fp32-acc",
        "f16": "fp32-acc",
        "bf16": "fp32-acc",
        "c64": "fp32-acc",
        "c128": "fp64",
    }
    environment: ClassVar[Mapping[str, str]] = {}
    facts: ClassVar[tuple[Fact, ...]] = ()
    bias_in_storage: ClassVar[bool] = False
    shape_only: ClassVar[bool] = False
    second_order: ClassVar[bool] = False
    device: ClassVar[str] = "cpu"
    repeatable: ClassVar[bool] = True
    compiles_in_threads: ClassVar[bool] = False

    def __init__(self) -> None:
        self._namespaces: dict[tuple[str, ...], dict[str, Any]] = {}
        self._codes: dict[str, CodeType] = {}
        self._machine = MACHINES[NATIVE]

    def run_under(self, machine: Machine) -> None:
        """Run under a machine profile from now on: make those of its settings that are statements."""
        self._machine = machine
        modules = {name: sys.modules[name] for name in self.packages if name in sys.modules}
        for line in machine.statements_for(self.packages):
            exec(line, dict(modules))

    def program_here(self, case: Case) -> Program:
        """The program of a case with the settings of the machine profile."""
        program = self.program(case)
        return replace(program, setup=(*program.setup, *self._machine.statements_for(self.packages)))

    @abc.abstractmethod
    def program(self, case: Case) -> Program:
        """Write the call for a case; raises Declined for a question it has no words for."""

    @classmethod
    def promise(cls, case: Case) -> str:
        """The accuracy profile promised for a case: that of its dtype, and what the bias leaves of it.

        Second order adds two outputs that each are rounded to the format of the question (R16).
        """
        rounded_before = (cls.bias_in_storage and case.bias) or case.direction == "grad2"
        if rounded_before and case.dtype in ("f16", "bf16"):
            return "storage-acc"
        return cls.promises[case.dtype]

    def export(self, value: Any) -> Tensor:
        """Take an answer out of the framework."""
        return Tensor.of(value)

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text that does what `export` does, for scripts that run without us."""
        return f"np.asarray({name})" + (".astype(np.float32)" if case.dtype == "bf16" else "")

    @classmethod
    def declines(cls, case: Case) -> Limit | None:
        """The first declared limit a case meets."""
        return next((limit for limit in cls.limits if limit.applies(case)), None)

    @classmethod
    def documented(cls, case: Case, message: str) -> DocumentedRefusal | None:
        """The documented reason for which the framework refused a case with a message."""
        return next((refusal for refusal in cls.refusals if refusal.explains(case, message)), None)

    def save_model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> tuple[str, bytes]:
        """Suffix and bytes of the model file that a runtime is asked with; raises Declined without one."""
        raise Declined("inexpressible", "the question is put without a model file", self.documentation)

    def run(
        self, case: Case, tensors: Mapping[str, np.ndarray], *, beyond_limits: bool = False
    ) -> dict[str, Tensor]:
        """Ask the framework.

        Parameters
        ----------
        case : Case
            The question.
        tensors : mapping of numpy.ndarray
            Input data as ``conformance.cases.data.make_tensors`` makes them.
        beyond_limits : bool
            Ask even where a declared limit applies, to see whether it still holds.

        Returns
        -------
        dict of Tensor
            The tensors of ``Case.outputs``, or ``shape``.

        Raises
        ------
        Declined
            The question is outside what the adapter asks.
        AdapterBug
            The adapter failed before the framework could.
        NotNumbers
            An output is no plain array of numbers.
        Exception
            Whatever the framework raises.
        """
        limit = None if beyond_limits else self.declines(case)
        if limit is not None:
            raise Declined(limit.status, limit.reason, limit.source)
        if self.shape_only and case.direction != "fwd":
            raise Declined("inexpressible", "shape inference answers forward questions", self.documentation)
        if case.direction == "grad2" and not self.second_order:
            raise Declined("inexpressible", "no gradients of gradients are asked for here", self.documentation)
        namespace = self._execute(case, tensors)
        try:
            if self.shape_only:
                return {"shape": Tensor.of(np.array([int(size) for size in namespace["shape"]], np.int64))}
            return {name: self.export(namespace[name]) for name in case.outputs}
        except NotNumbers:
            raise
        except Exception as error:
            raise AdapterBug(f"cannot take the answer: {type(error).__name__}: {error}") from error

    def _execute(self, case: Case, tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Run the program of a case and return all that it left."""
        try:
            program = self.program_here(case)
            code = self._compiled(program)
            namespace = dict(self._setup(program.setup))
        except Declined:
            raise
        except Exception as error:
            raise AdapterBug(f"{type(error).__name__}: {error}") from error
        namespace.update({"bias": None, **tensors})
        try:
            exec(code, namespace)
        except (NameError, SyntaxError) as error:
            if isinstance(error, SyntaxError) or error.__traceback__ is None:
                raise
            raise AdapterBug(f"{type(error).__name__}: {error}") from error
        return namespace

    def _compiled(self, program: Program) -> CodeType:
        """The code of a program, compiled once for both answers to a question and for others in the same words."""
        source = "\n".join(program.body)
        code = self._codes.get(source)
        if code is not None:
            return code
        # The lines are made known to linecache, so that a traceback shows them and compilers that ask for
        # the source of a function find it.
        filename = f"<{self.name} program>"
        linecache.cache[filename] = (len(source), None, [line + "\n" for line in program.body], filename)
        code = compile(source, filename, "exec")
        if not _defines_functions(code):
            if len(self._codes) >= _CODES_KEPT:
                self._codes.clear()
            self._codes[source] = code
        return code

    def _setup(self, lines: tuple[str, ...]) -> dict[str, Any]:
        if lines not in self._namespaces:
            namespace: dict[str, Any] = {"__name__": "program", "np": np, "math": math}
            exec(compile("\n".join(lines), f"<{self.name} setup>", "exec"), namespace)
            self._namespaces[lines] = namespace
        return self._namespaces[lines]


def conversion_line(names: Sequence[str], convert: Callable[[str], str]) -> str:
    """The line that makes the framework's tensors of arrays, under the same names."""
    if len(names) == 1:
        return f"{names[0]} = {convert(names[0])}"
    listed = ", ".join(names)
    return f"{listed} = ({convert('a')} for a in ({listed}))"


def inline_return(lines: Iterable[str]) -> list[str]:
    """The lines of a function as statements that leave ``y`` in place of returning it."""
    *before, last = lines
    result = last.removeprefix("return ")
    return before if result == "y" else [*before, f"y = {result}"]


def call(function: str, arguments: Iterable[tuple[str, Any]], *, width: int = 100) -> str:
    """Print a call, one argument a line where it is long; arguments named "" are positional."""
    parts = [f"{name}={value}" if name else str(value) for name, value in arguments]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= width:
        return line
    return "\n".join([f"{function}(", *(f"    {part}," for part in parts), ")"])
