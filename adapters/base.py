"""The interface that an adapter implements.

An adapter must meet these requirements (``conformance.contract`` tests what a test can tell):

1. It turns a case into a *program*: the source text of the call that a user of the framework would write. The
   server runs that text and a repro script prints it, so the two cannot differ.
2. The framework computes the output. Around the call a program may permute axes, flip the kernel, crop the
   output, pad it with zeros and add the bias, each only where the interface has no parameter for it.
3. Class attributes are plain declarations: importing the module must not import the framework. The constructor
   imports it.
4. What the framework documents that it cannot do, and what its interface cannot express, is declared (``limits``,
   ``refusals``) with the documentation that says so, or raised as `Declined`. Every other error counts as the
   framework's.
5. A program has no side effects on later programs, and leaves outputs that NumPy can read (``export``).
6. ``promises`` names one accuracy profile per dtype, which holds on every machine; a comment gives the reason
   where it is weaker than the default.
"""

from __future__ import annotations

import abc
import linecache
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.declared import DocumentedRefusal, Limit
from conformance.adapters.facts import Fact
from conformance.adapters.machines import MACHINES, NATIVE, Machine
from conformance.adapters.outputs import NotNumbers, Product, Tensor, WrongShape, require_shape
from conformance.cases.case import Case
from conformance.cases.program import Program

__all__ = [
    "Adapter",
    "AdapterBug",
    "Declined",
    "DocumentedRefusal",
    "Limit",
    "NotNumbers",
    "Product",
    "Program",
    "Tensor",
    "WrongShape",
    "call",
    "conversion_line",
    "inline_return",
]

_MAX_CACHED_CODES = 256


class Declined(Exception):
    """An adapter does not run this case.

    Attributes
    ----------
    status : str
        ``unsupported`` (the framework documents that it cannot) or ``inexpressible`` (its interface cannot
        express the case).
    reason, source : str
        Why, and the documentation that says so.
    """

    def __init__(self, status: str, reason: str, source: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.source = status, reason, source


class AdapterBug(Exception):
    """The adapter itself failed, not the framework it wraps."""


def _defines_functions(code: CodeType) -> bool:
    """Whether code defines functions, each of which ``torch.compile`` ties to the globals it first had."""
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
        Distributions whose versions identify an output, the framework first.
    extra : str
        Name of the extra in ``pyproject.toml`` that installs the packages.
    documentation : str
        The interface's own documentation.
    limits : tuple of Limit
        What the framework is documented not to do, and what its interface cannot express.
    refusals : tuple of DocumentedRefusal
        The error messages that state a documented limit.
    promises : mapping
        Accuracy profile promised for each dtype (see ``conformance.oracle.error_bound``).
    environment : mapping
        Environment variables its process needs before the framework is imported.
    facts : tuple of Fact
        What is measured in its process, besides the facts of its packages (``conformance.adapters.facts.FACTS``).
    settings_files : tuple of str
        Files from which the framework reads settings when it is imported; ``~`` is the user's home.
    bias_in_storage : bool
        Whether the bias is added by a second operation to a result that is already rounded to the format of the
        case (and its gradient is a sum in that format), so that half formats promise no more than
        ``storage-acc`` with a bias.
    shape_only : bool
        Whether it only infers shapes: its programs run forward cases and assign ``shape``, in the case's layout,
        instead of ``y``.
    second_order : bool
        Whether its programs compute the gradients of gradients (R16).
    mixed_dtypes : bool
        Whether its programs hand over weights in a dtype different from the input's (R18), in forward cases.
    device : str
        ``cpu`` or ``cuda``.
    repeatable : bool
        Whether two runs of one case give the same bits; False where the documentation says that they may not.
        Then only exact data must be the same in both runs.
    language : str
        The language of its programs: ``python`` or ``javascript``.
    layer_name : str
        For an adapter that goes through converters: where the layer comes from, such as ``torch.nn``.
    stages : tuple of str
        For such an adapter: the names of the converters in order, and that of the runtime.
    compiles_in_threads : bool
        Whether several programs may run at a time, and what the framework compiles for one is kept for the next,
        so that the server can compile for cases that still wait.
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
    settings_files: ClassVar[tuple[str, ...]] = ()
    bias_in_storage: ClassVar[bool] = False
    shape_only: ClassVar[bool] = False
    second_order: ClassVar[bool] = False
    mixed_dtypes: ClassVar[bool] = False
    device: ClassVar[str] = "cpu"
    repeatable: ClassVar[bool] = True
    layer_name: ClassVar[str] = ""
    stages: ClassVar[tuple[str, ...]] = ()
    compiles_in_threads: ClassVar[bool] = False
    language: ClassVar[str] = "python"

    def __init__(self) -> None:
        self._namespaces: dict[tuple[str, ...], dict[str, Any]] = {}
        self._codes: dict[str, CodeType] = {}
        self._machine = MACHINES[NATIVE]

    def run_under(self, machine: Machine) -> None:
        """Run under a machine profile from now on: execute those of its settings that are statements."""
        self._machine = machine
        modules = {name: sys.modules[name] for name in self.packages if name in sys.modules}
        for line in machine.statements_for(self.packages):
            exec(line, dict(modules))

    def program_here(self, case: Case) -> Program:
        """The program of a case with the settings of the machine profile."""
        program = self.program(case)
        return replace(program, setup=(*program.setup, *self._machine.statements_for(self.packages)))

    def host_command(self) -> tuple[str, ...]:
        """The command that runs its programs, where that is not Python: ``docs/protocol.md`` says what it does."""
        return ()

    @abc.abstractmethod
    def program(self, case: Case) -> Program:
        """Write the call for a case; raises Declined for a case that the interface cannot express."""

    @classmethod
    def promise(cls, case: Case) -> str:
        """The accuracy profile promised for a case: that of its dtype, or a weaker one because of the bias.

        Second order adds two outputs that are each rounded to the format of the case (R16).
        """
        rounded_before = (cls.bias_in_storage and case.bias) or case.direction == "grad2"
        dtype = case.format.name
        if rounded_before and dtype in ("f16", "bf16"):
            return "storage-acc"
        return cls.promises[dtype]

    def damages_process(self, case: Case) -> bool:
        """Whether computing a case is known to overwrite memory of its process, so that no other may run in it."""
        return False

    def export(self, value: Any) -> Tensor:
        """Take an output out of the framework."""
        return Tensor.of(value)

    def export_at(self, value: Any, positions: np.ndarray) -> Tensor:
        """Take some elements of an output out of the framework, without a copy of the rest.

        ``positions`` is int64 of shape (positions, axes).
        """
        return Tensor.of(np.asarray(value)[tuple(positions.T)])

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text that does what `export` does, for scripts that run without the suite."""
        return f"np.asarray({name})" + (".astype(np.float32)" if case.format.name == "bf16" else "")

    @classmethod
    def declines(cls, case: Case) -> Limit | None:
        """The first declared limit a case meets."""
        return next((limit for limit in cls.limits if limit.applies(case)), None)

    @classmethod
    def documented(cls, case: Case, message: str) -> DocumentedRefusal | None:
        """The documented reason for which the framework refused a case with a message."""
        return next((refusal for refusal in cls.refusals if refusal.explains(case, message)), None)

    def model_program(self, case: Case) -> tuple[str, Program]:
        """Suffix of the model file, and the program of another language that assigns its bytes to ``model``."""
        raise Declined("inexpressible", "this adapter uses no model file", self.documentation)

    def save_model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> tuple[str, bytes]:
        """Suffix and bytes of the model file that a runtime loads; raises Declined without one."""
        raise Declined("inexpressible", "this adapter uses no model file", self.documentation)

    def product(self, case: Case, tensors: Mapping[str, np.ndarray], stage: int) -> Product:
        """What the converter of a stage, counted from 1, wrote for a case; raises Declined without one.

        Stage 0 is the layer before any converter, which no file holds.
        """
        raise Declined("inexpressible", "this adapter uses no converter", self.documentation)

    def run(
        self,
        case: Case,
        tensors: Mapping[str, np.ndarray],
        *,
        beyond_limits: bool = False,
        at: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, Tensor]:
        """Run a case on the framework.

        Parameters
        ----------
        case : Case
            The case.
        tensors : mapping of numpy.ndarray
            Input data as ``conformance.cases.data.make_tensors`` makes them.
        beyond_limits : bool
            Run the case even where a declared limit applies, to see whether it still holds.
        at : mapping of numpy.ndarray, optional
            By output, the positions of the elements that are wanted, as for `export_at`.

        Returns
        -------
        dict of Tensor
            The tensors of ``Case.outputs``, or their elements at some positions; or ``shape``.

        Raises
        ------
        Declined
            The adapter does not run the case.
        AdapterBug
            The adapter failed before the framework could.
        NotNumbers
            An output is not a plain array of numbers.
        WrongShape
            An output whose elements are wanted at some positions has another shape.
        Exception
            Whatever the framework raises.
        """
        self.require_runnable(case, beyond_limits=beyond_limits)
        namespace = self._execute(case, tensors)
        try:
            if self.shape_only:
                return {"shape": Tensor.of(np.array([int(size) for size in namespace["shape"]], np.int64))}
            if at is not None:
                for name, shape in case.output_shapes().items():
                    require_shape(name, tuple(map(int, namespace[name].shape)), shape)
                return {name: self.export_at(namespace[name], at[name]) for name in case.outputs}
            return {name: self.export(namespace[name]) for name in case.outputs}
        except (NotNumbers, WrongShape):
            raise
        except Exception as error:
            raise AdapterBug(f"cannot read the output: {type(error).__name__}: {error}") from error

    def require_runnable(self, case: Case, *, beyond_limits: bool = False) -> None:
        """Raise Declined for a case that meets a declared limit."""
        limit = None if beyond_limits else self.declines(case)
        if limit is not None:
            raise Declined(limit.status, limit.reason, limit.source)
        if self.shape_only and case.direction != "fwd":
            raise Declined("inexpressible", "shape inference runs forward cases only", self.documentation)
        if case.direction == "grad2" and not self.second_order:
            raise Declined("inexpressible", "this adapter computes no gradients of gradients", self.documentation)
        if case.weight_dtype is not None and (not self.mixed_dtypes or case.direction != "fwd"):
            raise Declined("inexpressible", "this adapter runs tensors of one dtype only", self.documentation)
        if case.bias_size == 1 and self.bias_in_storage:
            raise Declined(
                "inexpressible",
                "the bias is added by broadcasting, which one number is right for",
                self.documentation,
            )

    def _execute(self, case: Case, tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Run the program of a case and return the names it assigned."""
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
        """The code of a program, compiled once for both runs of a case and for other cases with the same body."""
        source = "\n".join(program.body)
        code = self._codes.get(source)
        if code is not None:
            return code
        # The lines are put into linecache, so that a traceback shows them and compilers that ask for
        # the source of a function find it.
        filename = f"<{self.name} program>"
        linecache.cache[filename] = (len(source), None, [line + "\n" for line in program.body], filename)
        code = compile(source, filename, "exec")
        if not _defines_functions(code):
            if len(self._codes) >= _MAX_CACHED_CODES:
                self._codes.clear()
            self._codes[source] = code
        return code

    def _setup(self, lines: tuple[str, ...]) -> dict[str, Any]:
        if lines not in self._namespaces:
            namespace: dict[str, Any] = {"__name__": "program", "np": np, "math": math}
            exec(compile("\n".join(lines), f"<{self.name} setup>", "exec"), namespace)
            self._namespaces[lines] = namespace
        return self._namespaces[lines]


def conversion_line(names: Sequence[str], convert: Callable[[str], str], *, apart: bool = False) -> str:
    """The line that converts arrays to the framework's tensors, under the same names; ``apart``: one line each."""
    if len(names) == 1 or apart:
        return "\n".join(f"{name} = {convert(name)}" for name in names)
    joined = ", ".join(names)
    return f"{joined} = ({convert('a')} for a in ({joined}))"


def inline_return(lines: Iterable[str]) -> list[str]:
    """The lines of a function as statements that assign ``y`` instead of returning it."""
    *before, last = lines
    result = last.removeprefix("return ")
    return before if result == "y" else [*before, f"y = {result}"]


def call(function: str, arguments: Iterable[tuple[str, Any]], *, width: int = 100) -> str:
    """Print a call, one argument per line where it is long; arguments named "" are positional."""
    parts = [f"{name}={value}" if name else str(value) for name, value in arguments]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= width:
        return line
    return "\n".join([f"{function}(", *(f"    {part}," for part in parts), ")"])
