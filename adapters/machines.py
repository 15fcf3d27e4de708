"""Machine profiles: documented settings that make an adapter run as if on another machine.

Facts (`conformance.adapters.facts`) check a profile once the adapter's process has started: a setting that took no
effect is an error of the suite, never a run that counts as one of another machine. This module imports the
standard library only, because it starts a process before anything large is loaded.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["MACHINES", "NATIVE", "Machine", "UnknownMachine", "inapplicable", "machine_named", "unmet"]

NATIVE = "native"
_EVERY = "*"
_MANY = 8


class UnknownMachine(ValueError):
    """A name that is not a machine profile, or a profile that is not available."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine profile.

    Attributes
    ----------
    name : str
        Name on the command line.
    about : str
        What it changes, in one line.
    sources : tuple of str
        Documentation of the settings.
    variables : mapping
        Environment variables per distribution; ``*`` for every process.
    statements : mapping
        Lines of Python per distribution, run once the framework is imported.
    one_processor : bool
        Whether the process is bound to one processor.
    emulator : tuple of str
        Command that the interpreter is started with.
    too_old_for : mapping of str
        Distributions that do not start under it, with the reason.
    patience : float
        How many times longer than natively a process may take.
    needs : str
        Instruction set that the processor must have, as the operating system names it; empty for none.
    facts : mapping of str
        What must hold after the start: a regular expression for the whole text of a fact's value, by name. Facts
        that the adapter does not have, and those without a value, are not checked; at least one must be checked.
    """

    name: str
    about: str
    sources: tuple[str, ...] = ()
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    statements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    one_processor: bool = False
    emulator: tuple[str, ...] = ()
    too_old_for: Mapping[str, str] = field(default_factory=dict)
    patience: float = 1.0
    needs: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def variables_for(self, packages: Iterable[str]) -> dict[str, str]:
        """The environment variables of a process with these distributions."""
        variables: dict[str, str] = {}
        for name in (_EVERY, *packages):
            variables |= self.variables.get(name, {})
        if "XLA_FLAGS" in variables:  # a list that also holds the user's own flags
            variables["XLA_FLAGS"] = " ".join(filter(None, [os.environ.get("XLA_FLAGS"), variables["XLA_FLAGS"]]))
        return variables

    def framework_variables(self, packages: Iterable[str]) -> dict[str, str]:
        """The variables that frameworks read, without NumPy's: scripts set them after NumPy is imported."""
        variables = self.variables_for(packages)
        return {name: value for name, value in variables.items() if name not in self.variables.get(_EVERY, {})}

    def statements_for(self, packages: Iterable[str]) -> tuple[str, ...]:
        """The lines that a process with these distributions runs after its imports."""
        return tuple(line for name in packages for line in self.statements.get(name, ()))

    def unreachable(self) -> str:
        """Why the profile is not available on this machine; empty where it is."""
        if self.emulator and shutil.which(self.emulator[0]) is None:
            return f"{self.emulator[0]} is not installed; on Debian: apt-get install qemu-user-static"
        if (self.emulator or self.needs) and platform.machine() not in ("x86_64", "AMD64"):
            return f"it needs x86-64, and this machine is {platform.machine()}"
        if self.needs and self.needs not in _flags():
            return f"this processor does not have {self.needs}"
        if self.one_processor and not hasattr(os, "sched_setaffinity"):
            return "this system cannot bind a process to a processor"
        return ""


def _flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return frozenset(next((line for line in file if line.startswith("flags")), "").split())
    except OSError:
        return frozenset()


_ONEDNN = "https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html"
_ATEN = "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/DispatchStub.cpp"
_MKL = "https://www.intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2025-0/instruction-set-specific-dispatch-on-intel-archs.html"
_XLA = "https://openxla.org/xla/flags_guidance"
_NUMPY = "https://numpy.org/doc/stable/reference/simd/build-options.html#runtime-dispatch"
_OPENBLAS = "https://github.com/OpenMathLib/OpenBLAS#setting-the-target-at-runtime"
_TENSORFLOW = "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/core/util/port.cc"
_TF_THREADS = (
    "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/core/common_runtime/process_util.cc"
)
_TORCH_ONEDNN = "https://docs.pytorch.org/docs/stable/backends.html#torch-backends-mkldnn"
_OPENMP = "https://docs.pytorch.org/docs/stable/notes/multiprocessing.html#cpu-in-multiprocessing"
_PJRT = "https://github.com/openxla/xla/blob/main/xla/pjrt/utils.cc"
_QEMU = "https://www.qemu.org/docs/master/user/main.html"


def _capped(
    name: str, *, about: str, needs: str, onednn: str, aten: str, mkl: str, xla: str, openblas: str, numpy: str,
    facts: Mapping[str, str],
) -> Machine:  # fmt: skip
    """A profile that caps the instruction set, each library by its own setting."""
    xla_flags = {"XLA_FLAGS": f"--xla_cpu_max_isa={xla}"}
    return Machine(
        name=name,
        about=about,
        sources=(_ONEDNN, _ATEN, _MKL, _XLA, _OPENBLAS, _NUMPY),
        variables={
            _EVERY: {"OPENBLAS_CORETYPE": openblas} | ({"NPY_DISABLE_CPU_FEATURES": numpy} if numpy else {}),
            "torch": {"ONEDNN_MAX_CPU_ISA": onednn, "ATEN_CPU_CAPABILITY": aten, "MKL_ENABLE_INSTRUCTIONS": mkl},
            "tensorflow": {"ONEDNN_MAX_CPU_ISA": onednn, **xla_flags},
            "jax": xla_flags,
        },
        needs=needs,
        facts=facts,
    )


def _threads(name: str, count: int, *, about: str, one_processor: bool) -> Machine:
    text = str(count)
    return Machine(
        name=name,
        about=about,
        sources=(_OPENMP, _TF_THREADS, _PJRT, _OPENBLAS),
        variables={
            _EVERY: {"OPENBLAS_NUM_THREADS": text},
            "torch": {"OMP_NUM_THREADS": text, "MKL_NUM_THREADS": text},
            "tensorflow": {"TF_NUM_INTRAOP_THREADS": text, "TF_NUM_INTEROP_THREADS": text},
            "jax": {"NPROC": text},
        },
        # Where only the variables are set, MKL starts no more threads than there are processors.
        statements={"torch": (f"torch.set_num_threads({text})",)},
        one_processor=one_processor,
        facts={"threads": text} | ({"cpu.count": "1"} if one_processor else {}),
    )


def _emulated(name: str, model: str, isa: str, too_old_for: Mapping[str, str]) -> Machine:
    return Machine(
        name=name,
        about=f"an emulated {model}, by QEMU's user mode: every library chooses the kernels of that processor",
        sources=(_QEMU,),
        # Without check=off QEMU warns about features that it does not emulate; the facts show what it emulates.
        emulator=("qemu-x86_64-static", "-cpu", f"{model},check=off"),
        too_old_for=too_old_for,
        patience=20.0,
        facts={"cpu.isa": isa, "numpy.isa": isa},
    )


_NUMPY_ABOVE_AVX2 = "X86_V4 AVX512_ICL AVX512_SPR"
_ALL = (
    Machine(name=NATIVE, about="this machine as it is"),
    Machine(
        name="onednn-off",
        about="without oneDNN",
        sources=(_TENSORFLOW, _TORCH_ONEDNN),
        variables={"tensorflow": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
        statements={"torch": ("torch.backends.mkldnn.enabled = False",)},
        facts={"tensorflow.onednn": "False", "torch.onednn": "False"},
    ),
    Machine(
        name="onednn-on",
        about="with oneDNN, also where the framework would leave it off on this processor",
        sources=(_TENSORFLOW, _TORCH_ONEDNN),
        variables={"tensorflow": {"TF_ENABLE_ONEDNN_OPTS": "1"}},
        statements={"torch": ("torch.backends.mkldnn.enabled = True",)},
        facts={"tensorflow.onednn": "True", "torch.onednn": "True"},
    ),
    _capped(
        "sse41",
        about="instruction set capped at SSE4",
        needs="sse4_1",
        onednn="SSE41", aten="default", mkl="SSE4_2", xla="SSE4_2", openblas="Nehalem",
        numpy=f"X86_V3 {_NUMPY_ABOVE_AVX2}",
        facts={
            "onednn.isa": r"SSE4\.1", "torch.capability": "DEFAULT", "xla.isa": r"sse4\.2",
            "numpy.isa": r"sse4\.2",
        },
    ),
    _capped(
        "avx2",
        about="instruction set capped at AVX2",
        needs="avx2",
        onednn="AVX2", aten="avx2", mkl="AVX2", xla="AVX2", openblas="Haswell",
        numpy=_NUMPY_ABOVE_AVX2,
        facts={"onednn.isa": "AVX2", "torch.capability": "AVX2", "xla.isa": "avx2", "numpy.isa": "avx2"},
    ),
    _capped(
        "avx512",
        about="instruction set capped at AVX-512 without its extensions for bfloat16, float16 and tiles",
        needs="avx512f",
        onednn="AVX512_CORE", aten="avx512", mkl="AVX512", xla="AVX512", openblas="SkylakeX",
        numpy="AVX512_SPR",
        facts={
            "onednn.isa": "AVX-512 with AVX512BW, AVX512VL, and AVX512DQ extensions",
            "torch.capability": "AVX512",
            "xla.isa": "avx512f",
            "numpy.isa": "avx512f",
        },
    ),
    _threads("one-thread", 1, about="one thread, on one processor", one_processor=True),
    _threads("many-threads", _MANY, about=f"{_MANY} threads on however many processors", one_processor=False),
    _emulated("qemu-haswell", "Haswell", "avx2", {}),
    _emulated(
        "qemu-nehalem",
        "Nehalem",
        r"sse4\.2",
        {"tensorflow": "its wheels need AVX", "jax": "the wheels of jaxlib need AVX"},
    ),
)  # fmt: skip

MACHINES: Mapping[str, Machine] = {machine.name: machine for machine in _ALL}
"""Profiles by name, ``native`` first."""


def machine_named(name: str) -> Machine:
    """A profile by its name.

    Raises
    ------
    UnknownMachine
        The message lists the names.
    """
    if name not in MACHINES:
        from conformance.cases.names import did_you_mean  # slow to import, and for the error only

        hint = did_you_mean(name, MACHINES)
        raise UnknownMachine(f"unknown machine {name!r}{hint}; the machines are {', '.join(MACHINES)}")
    return MACHINES[name]


def inapplicable(machine: Machine, packages: Iterable[str], environment: Mapping[str, str]) -> str:
    """Why a profile does not apply to an adapter; empty where it does.

    Parameters
    ----------
    machine : Machine
        The profile.
    packages : iterable of str
        The adapter's distributions.
    environment : mapping
        Variables that the adapter itself sets.
    """
    packages = tuple(packages)
    for name in packages:
        if name in machine.too_old_for:
            return f"{name} does not start under it: {machine.too_old_for[name]}"
    for_every_process = machine.one_processor or machine.emulator or machine.name == NATIVE
    set_for = {*machine.variables, *machine.statements}
    if not for_every_process and set_for.isdisjoint(packages):
        return f"none of {', '.join(packages)} has a setting for it"
    variables = machine.variables_for(packages)
    for name, value in environment.items():
        if variables.get(name, value) != value:
            return f"the adapter itself sets {name}={value}"
    return ""


def unmet(machine: Machine, facts: Mapping[str, object]) -> str:
    """Which expectations of a profile do not hold; empty where all do.

    Parameters
    ----------
    machine : Machine
        The profile that a process was started under.
    facts : mapping
        What was measured in it.
    """
    checked = {name: str(facts[name]) for name in machine.facts if facts.get(name) is not None}
    wrong = [
        f"{name} is {value}" for name, value in checked.items() if not re.fullmatch(machine.facts[name], value)
    ]
    if wrong:
        return f"machine profile {machine.name} took no effect: {', '.join(wrong)}"
    if machine.facts and not checked:
        return f"machine profile {machine.name}: none of {', '.join(machine.facts)} could be measured"
    return ""
