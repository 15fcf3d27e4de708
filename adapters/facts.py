"""Facts: what is measured about the machine and the build that an adapter runs on.

A fact is read from the framework where it reports it, and from one cheap call where it does not. What could not be
measured is None, never a guess. Facts are measured in a fork of the adapter's process, before its first case, so
that measuring leaves nothing behind in the process that computes.
"""

from __future__ import annotations

import importlib
import os
import platform
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.adapters.environment import cpu_flags, processors

__all__ = ["FACTS", "Fact", "FactValue", "calls_with", "facts_for", "flags_up_to"]

FactValue = bool | int | str | None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that can be measured in an adapter's process.

    Attributes
    ----------
    name : str
        Dotted name, such as ``tensorflow.onednn``.
    about : str
        What it means, in one line.
    measure : callable
        Returns its value in the process it is called in, None where it does not apply. Where it raises, the value
        is None, too.
    """

    name: str
    about: str
    measure: Callable[[], FactValue]


def _module(name: str) -> Any:
    return importlib.import_module(name)


# NumPy reads the processor's features by CPUID, where an emulator reports the processor it emulates;
# /proc/cpuinfo is the host's. NumPy 2.4 dispatches on levels of x86-64, older releases on single features.
_X86_LEVELS = (("X86_V4", "avx512f"), ("X86_V3", "avx2"), ("X86_V2", "sse4.2"))
_FEATURES = (("AVX512F", "avx512f"), ("AVX2", "avx2"), ("AVX", "avx"), ("SSE42", "sse4.2"), ("SVE", "sve"),
             ("ASIMD", "neon"), ("NEON", "neon"), ("SSE2", "sse2"))  # fmt: skip


def _numpy_features() -> dict[str, bool]:
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            return dict(_module(name).__cpu_features__)
        except ImportError:
            continue
    return {}


def _numpy_isa() -> str | None:
    """The highest instruction set that NumPy uses, None where it does not report any."""
    features = _numpy_features()
    table = _X86_LEVELS if "X86_V3" in features else _FEATURES
    return next((level for feature, level in table if features.get(feature)), None)


def _cpu_isa() -> str | None:
    features = _numpy_features()
    if not features or os.environ.get("NPY_DISABLE_CPU_FEATURES"):
        flags = cpu_flags()
        levels = {
            "avx512f": "avx512f",
            "avx2": "avx2",
            "avx": "avx",
            "sse4_2": "sse4.2",
            "sve": "sve",
            "asimd": "neon",
        }
        return next((level for flag, level in levels.items() if flag in flags), None)
    return next((level for feature, level in _FEATURES if features.get(feature)), None)


def _thread_names() -> Counter[str]:
    """Names of this process's threads, as the operating system has them."""
    names: Counter[str] = Counter()
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/comm", encoding="ascii", errors="replace") as file:
            names[file.read().strip()] += 1
    return names


def _capture_stdout(run: Callable[[], object]) -> str:
    """What a call prints, including what compiled code prints."""
    with tempfile.TemporaryFile() as file:
        before = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            run()
        finally:
            os.dup2(before, 1)
            os.close(before)
        file.seek(0)
        return file.read().decode(errors="replace")


def _isa_in(printed: str) -> str | None:
    """The instruction set in the head of oneDNN's verbose output.

    Its format: https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html.
    """
    for line in printed.splitlines():
        _, separator, isa = line.partition("info,cpu,isa:")
        if separator:
            return isa.strip().removeprefix("Intel ")
    return None


# PyTorch


def _torch_onednn() -> bool:
    mkldnn = _module("torch").backends.mkldnn
    return bool(mkldnn.is_available() and mkldnn.enabled)


def _torch_onednn_isa() -> str | None:
    if not _torch_onednn():
        return None
    torch = _module("torch")

    def run() -> None:
        with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
            torch.ones(1, 16, 8, 8).to_mkldnn()

    return _isa_in(_capture_stdout(run))


# TensorFlow


def _tensorflow_onednn() -> bool:
    return bool(_module("tensorflow.python.util._pywrap_util_port").IsMklEnabled())


def _tensorflow_call(dtype: str = "float32", data_format: str = "NHWC", dilations: int = 1) -> None:
    tf = _module("tensorflow")
    one = tf.ones((1, 1, 1, 1), dtype)
    tf.nn.conv2d_transpose(one, one, (1, 1, 1, 1), 1, "VALID", data_format, dilations).numpy()


def _accepts(**arguments: Any) -> Callable[[], bool]:
    def measure() -> bool:
        errors = _module("tensorflow").errors
        try:
            _tensorflow_call(**arguments)
        except (errors.InvalidArgumentError, errors.UnimplementedError, errors.NotFoundError):
            return False
        return True

    return measure


@cache
def _first_tensorflow_call() -> tuple[int | None, str | None]:
    """What shows at the first call only: the threads that it starts, and what oneDNN prints."""
    os.environ["ONEDNN_VERBOSE"] = "profile_create"  # read at the first primitive
    before = _thread_names()
    printed = _capture_stdout(_tensorflow_call)
    # The intra-op pool's threads have the name of the process, those of its other pools start with tf_.
    new = _thread_names() - before
    return sum(count for name, count in new.items() if not name.startswith("tf_")) or None, _isa_in(printed)


# JAX

_XLA_LEVELS = (("+amx-tile", "amx"), ("+avx512f", "avx512f"), ("+avx2", "avx2"), ("+avx", "avx"),
               ("+sse4.2", "sse4.2"), ("+sve", "sve"), ("+neon", "neon"))  # fmt: skip


def _xla_isa() -> str | None:
    """The highest feature that XLA compiled a small program for; the program's serialized form lists them."""
    jax = _module("jax")
    compiled = jax.jit(lambda x: x + 1).lower(jax.ShapeDtypeStruct((4,), "float32")).compile()
    features = set(compiled.runtime_executable().serialize().replace(b"\0", b",").split(b","))
    return next((level for feature, level in _XLA_LEVELS if feature.encode() in features), None)


def _xla_threads() -> int | None:
    _module("jax").devices("cpu")
    return _thread_names()["tf_XLAEigen"] or None


# OpenVINO


def _openvino_capabilities() -> str:
    return " ".join(sorted(_module("openvino").Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")))


_DTYPES = {"f32": "float32", "f64": "float64", "f16": "float16", "bf16": "bfloat16"}
_ONEDNN_ISA = "instruction set that oneDNN chose, by its own verbose output; null where oneDNN is off"

_ALWAYS = (
    Fact(name="cpu.arch", about="architecture of the process", measure=platform.machine),
    Fact(name="cpu.count", about="processors that the process may use", measure=processors),
    Fact(name="cpu.isa", about="highest instruction set of the processor", measure=_cpu_isa),
    Fact(name="numpy.isa", about="highest instruction set that NumPy uses", measure=_numpy_isa),
)

FACTS: Mapping[str, tuple[Fact, ...]] = {
    "torch": (
        Fact(
            name="torch.capability",
            about="kernels that ATen chose: torch.backends.cpu.get_cpu_capability()",
            measure=lambda: str(_module("torch").backends.cpu.get_cpu_capability()),
        ),
        Fact(name="torch.onednn", about="whether PyTorch may use oneDNN", measure=_torch_onednn),
        Fact(name="onednn.isa", about=_ONEDNN_ISA, measure=_torch_onednn_isa),
        Fact(
            name="threads",
            about="torch.get_num_threads()",
            measure=lambda: int(_module("torch").get_num_threads()),
        ),
    ),
    "tensorflow": (
        Fact(
            name="threads",
            about="threads of the intra-op pool, counted",
            measure=lambda: _first_tensorflow_call()[0],
        ),
        Fact(
            name="tensorflow.onednn", about="whether TensorFlow has switched oneDNN on", measure=_tensorflow_onednn
        ),
        Fact(name="onednn.isa", about=_ONEDNN_ISA, measure=lambda: _first_tensorflow_call()[1]),
        *(
            Fact(
                name=f"tensorflow.channels_first.{short}",
                about=f"whether tf.nn.conv2d_transpose takes NCHW in {dtype}",
                measure=_accepts(dtype=dtype, data_format="NCHW"),
            )
            for short, dtype in _DTYPES.items()
        ),
        *(
            Fact(
                name=f"tensorflow.dilation.{short}",
                about=f"whether tf.nn.conv2d_transpose takes a dilation in {dtype}",
                measure=_accepts(dtype=dtype, dilations=2),
            )
            for short, dtype in _DTYPES.items()
        ),
    ),
    "jax": (
        Fact(name="threads", about="threads of XLA's CPU client, counted", measure=_xla_threads),
        Fact(name="xla.isa", about="highest instruction set that XLA compiles for", measure=_xla_isa),
    ),
    "openvino": (
        Fact(
            name="openvino.capabilities",
            about="the CPU plugin's OPTIMIZATION_CAPABILITIES",
            measure=_openvino_capabilities,
        ),
    ),
}
"""Facts by the distribution that they are about."""


_BEYOND = {
    "sse2": ("sse4", "avx", "fma", "amx"),
    "sse4.2": ("avx", "fma", "amx"),
    "avx": ("avx2", "avx512", "fma", "amx"),
    "avx2": ("avx512", "amx"),
}


def flags_up_to(flags: Iterable[str], isa: FactValue) -> list[str]:
    """The flags of a processor without those beyond an instruction set, as ``cpu.isa`` names it."""
    beyond = _BEYOND.get(str(isa), ())
    return [flag for flag in flags if not flag.startswith(beyond)]


def calls_with(count: int) -> Fact:
    """``threads`` of an adapter whose programs set their number."""
    return Fact(name="threads", about="the number that its programs set", measure=lambda: count)


def facts_for(packages: Iterable[str], more: Iterable[Fact] = ()) -> list[Fact]:
    """The facts of an adapter: those of every process, of its packages, and its own; a name is measured once."""
    by_name = {fact.name: fact for fact in _ALWAYS}
    for package in packages:
        for fact in FACTS.get(package, ()):
            by_name.setdefault(fact.name, fact)
    by_name |= {fact.name: fact for fact in more}
    return list(by_name.values())
