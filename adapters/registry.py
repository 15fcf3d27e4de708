"""The list of adapters, and how a name on the command line becomes one.

A name is a built-in (``torch``), an entry point of the group ``conformance.adapters``, or ``file.py:Class``. Any
of them may be followed by ``~MACHINE``, a machine profile to run under, and by ``@/path/to/python`` to run in
another environment.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.adapters.environment import versions
from conformance.adapters.machines import NATIVE, Machine, UnknownMachine, inapplicable, machine_named

if TYPE_CHECKING:
    from conformance.adapters.base import Adapter

__all__ = [
    "BUILT_IN",
    "EVERYDAY",
    "AdapterSpec",
    "MachineOutOfReach",
    "UnknownAdapter",
    "all_adapters",
    "available",
    "installed",
    "load",
    "on_machine",
    "resolve",
    "split_name",
]

GROUP = "conformance.adapters"
# A tilde in a path is followed by more than a profile's name.
_MACHINE = re.compile(r"~(?P<machine>[A-Za-z0-9_-]+)$")

_FRAMEWORKS = {
    "torch": "torch_functional:TorchFunctional",
    "torch-module": "torch_functional:TorchModule",
    "torch-output-size": "torch_functional:TorchOutputSize",
    "torch-unbatched": "torch_functional:TorchUnbatched",
    "torch-strided": "torch_views:TorchStrided",
    "torch-broadcast": "torch_views:TorchBroadcast",
    "torch-unaligned": "torch_views:TorchUnaligned",
    "torch-inference": "torch_views:TorchInference",
    "torch-accumulated": "torch_autograd:TorchAccumulated",
    "torch-one-gradient": "torch_autograd:TorchOneGradient",
    "torch-summed-layouts": "torch_autograd:TorchSummedLayouts",
    "torch-hooks": "torch_autograd:TorchHooks",
    "torch-channels-last": "torch_functional:TorchChannelsLast",
    "torch-native": "torch_functional:TorchNative",
    "torch-nn-grad": "torch_functional:TorchNNGrad",
    "torch-inductor": "torch_traced:TorchInductor",
    "torch-export": "torch_traced:TorchExport",
    "torch-meta": "torch_traced:TorchMeta",
    "torch-cuda": "torch_functional:TorchCuda",
    "torch-cuda-tf32": "torch_functional:TorchCudaTf32",
    "keras-tensorflow": "keras_layers:KerasTensorFlow",
    "keras-torch": "keras_layers:KerasTorch",
    "keras-jax": "keras_layers:KerasJax",
    "keras-numpy": "keras_layers:KerasNumpy",
    "keras-openvino": "keras_layers:KerasOpenvino",
    "keras-compute-output-shape": "keras_layers:KerasComputeOutputShape",
    "keras-ops-tensorflow": "keras_ops:KerasOpsTensorFlow",
    "keras-ops-torch": "keras_ops:KerasOpsTorch",
    "keras-ops-jax": "keras_ops:KerasOpsJax",
    "keras-ops-numpy": "keras_ops:KerasOpsNumpy",
    "keras-ops-openvino": "keras_ops:KerasOpsOpenvino",
    "tf-nn": "tensorflow_nn:TensorFlowNN",
    "tf-xla": "tensorflow_nn:TensorFlowXla",
    "tf-nn-one-gradient": "tensorflow_nn:TensorFlowOneGradient",
    "tf-nn-eigen": "tensorflow_nn:TensorFlowEigen",
    "onnxruntime": "onnx_models:OnnxRuntime",
    "onnxruntime-output-shape": "onnx_models:OnnxRuntimeOutputShape",
    "onnxruntime-strided": "onnx_models:OnnxRuntimeStrided",
    "onnxruntime-no-optimization": "onnx_models:OnnxRuntimeDisableAll",
    "onnxruntime-basic": "onnx_models:OnnxRuntimeBasic",
    "onnxruntime-extended": "onnx_models:OnnxRuntimeExtended",
    "onnx-reference": "onnx_models:OnnxReference",
    "onnx-infer-shapes": "onnx_models:OnnxInferShapes",
    "openvino": "onnx_models:Openvino",
    "cv2-dnn": "opencv_dnn:OpenCV",
    "cv2-dnn-new": "opencv_dnn:OpenCVNew",
    "cv2-dnn-classic": "opencv_dnn:OpenCVClassic",
    "ncnn": "ncnn_layers:Ncnn",
    "ncnn-unpacked": "ncnn_layers:NcnnUnpacked",
    "mnn": "mnn_converted:Mnn",
    "jax-lax": "jax_lax:JaxLax",
    "jax-lax-untransposed": "jax_lax:JaxLaxUntransposed",
    "jax-lax-consistent": "jax_lax:JaxLaxConsistent",
    "jax-lax-one-gradient": "jax_lax:JaxLaxOneGradient",
    "jax-lax-jit": "jax_lax:JaxLaxJit",
    "jax-lax-vmap": "jax_lax:JaxLaxVmap",
    "jax-eval-shape": "jax_lax:JaxEvalShape",
    "jax-general": "jax_lax:JaxGeneral",
    "tinygrad": "tinygrad_tensor:Tinygrad",
    "mlx": "mlx_core:Mlx",
    "mlx-one-gradient": "mlx_core:MlxOneGradient",
    "mlx-strided": "mlx_core:MlxStrided",
    "paddle": "paddle_functional:Paddle",
    "litert": "litert_models:LiteRT",
    "litert-threads": "litert_models:LiteRTThreads",
    "litert-no-xnnpack": "litert_models:LiteRTWithoutXnnpack",
    "litert-reference": "litert_models:LiteRTReference",
    "tf-lite": "litert_models:TfLite",
    "tf-lite-threads": "litert_models:TfLiteThreads",
    "tf-lite-no-xnnpack": "litert_models:TfLiteWithoutXnnpack",
    "tf-lite-reference": "litert_models:TfLiteReference",
    "tfjs-cpu": "tfjs:TfjsCpu",
    "tfjs-wasm": "tfjs:TfjsWasm",
    "tfjs-layers-cpu": "tfjs:TfjsLayersCpu",
    "onnxruntime-node": "onnxruntime_javascript:OnnxRuntimeNode",
    "onnxruntime-web": "onnxruntime_javascript:OnnxRuntimeWeb",
    "torch-onnx": "paths.table:TorchOnnx",
    "torch-onnx-dynamic": "paths.table:TorchOnnxDynamic",
    "torch-script-onnx": "paths.table:TorchScriptOnnx",
    "torch-script-onnx-dynamic": "paths.table:TorchScriptOnnxDynamic",
    "torch-script-onnx-openvino": "paths.table:TorchScriptOnnxOpenvino",
    "torch-onnx-onnxslim": "paths.table:TorchOnnxOnnxslim",
    "torch-openvino": "paths.table:TorchOpenvino",
    "torch-export-openvino": "paths.table:TorchExportOpenvino",
    "torch-pnnx-ncnn": "paths.table:TorchNcnn",
    "keras-onnx": "paths.table:KerasOnnx",
    "keras-onnx-dynamic": "paths.table:KerasOnnxDynamic",
    "keras-to-openvino-dynamic": "paths.table:KerasToOpenvinoDynamic",
    "keras-litert-dynamic": "paths.table:KerasLitertDynamic",
    "keras-torch-onnx": "paths.table:KerasTorchOnnx",
    "keras-to-openvino": "paths.table:KerasToOpenvino",
    "keras-torch-to-openvino": "paths.table:KerasTorchToOpenvino",
    "keras-litert": "paths.table:KerasLitert",
    "keras-saved-model": "paths.table:KerasSavedModel",
    "keras-saved-model-litert": "paths.table:KerasSavedModelLitert",
    "tf2onnx": "paths.table:TensorFlowOnnx",
    "onnxslim": "paths.table:OnnxSlim",
    "onnxsim": "paths.table:OnnxSim",
    "onnxoptimizer": "paths.table:OnnxOptimizer",
    "onnxruntime-offline": "paths.table:OnnxRuntimeOffline",
    "jax-cuda": "jax_lax:JaxCuda",
    "jax-cuda-tf32": "jax_lax:JaxCudaTf32",
    "flax-linen": "jax_layers:FlaxLinen",
    "flax-nnx": "jax_layers:FlaxNnx",
    "haiku": "jax_layers:Haiku",
    "equinox": "jax_layers:Equinox",
}

# Names of frameworks that no adapter has, and how the names of their adapters start.
_FRAMEWORK_NAMES = {
    "tensorflow": ("tf-", "keras-tensorflow", "keras-ops-tensorflow", "litert"),
    "tf": ("tf-", "keras-tensorflow", "keras-ops-tensorflow", "litert"),
    "tflite": ("tf-lite", "litert"),
    "pytorch": ("torch",),
    "onnx": ("onnx",),
    "ort": ("onnxruntime",),
    "opencv": ("cv2-",),
    "cv2": ("cv2-",),
    "tf.keras": ("keras-tensorflow",),
}
BUILT_IN = {name: f"conformance.adapters.frameworks.{target}" for name, target in _FRAMEWORKS.items()}


# The adapters of a run that names none: how most people call each framework. Variants of the same implementation
# run when a name or a pattern selects them.
EVERYDAY = (
    "torch",
    "keras-tensorflow",
    "keras-torch",
    "keras-jax",
    "tf-nn",
    "jax-lax",
    "flax-linen",
    "flax-nnx",
    "haiku",
    "equinox",
    "onnxruntime",
    "openvino",
)


class UnknownAdapter(ValueError):
    """A name that is not an adapter."""


class MachineOutOfReach(UnknownAdapter):
    """A machine profile that is not available on this machine, or does not apply to the adapter."""


@dataclass(frozen=True)
class AdapterSpec:
    """Where an adapter's class is, and which interpreter runs it.

    Attributes
    ----------
    name : str
        As the user wrote it; the adapter's name in results.
    target : str
        ``module:Class`` or ``/path/file.py:Class``.
    python : str
        The interpreter of its process.
    machine : str
        The machine profile that it runs under.
    """

    name: str
    target: str
    python: str
    machine: str = NATIVE

    @property
    def foreign(self) -> bool:
        """Whether it runs in a different environment from this one."""
        return self.python != sys.executable

    @property
    def profile(self) -> Machine:
        """The machine profile."""
        return machine_named(self.machine)


def entry_points() -> dict[str, str]:
    from importlib import metadata  # slow, see `versions`

    return {point.name: point.value for point in metadata.entry_points(group=GROUP)}


def split_name(name: str) -> tuple[str, str, str]:
    """The parts of ``ADAPTER~MACHINE@PYTHON``: adapter, machine profile (native by default), interpreter or ""."""
    plain, _, python = name.partition("@")
    match = _MACHINE.search(plain)
    return (plain, NATIVE, python) if match is None else (plain[: match.start()], match["machine"], python)


def on_machine(name: str, machine: str) -> str:
    """The name of an adapter under a machine profile; under ``native`` it is the plain name."""
    plain, _, python = split_name(name)
    return plain + (f"~{machine}" if machine != NATIVE else "") + (f"@{python}" if python else "")


def resolve(name: str) -> AdapterSpec:
    """Find the adapter that a name means.

    Raises
    ------
    UnknownAdapter
        The message lists the known names.
    """
    plain, machine, python = split_name(name)
    if python and not Path(python).is_file():
        raise UnknownAdapter(f"adapter {name!r}: interpreter not found: {python}")
    path, colon, class_name = plain.rpartition(":")
    if colon and path.endswith(".py"):
        if not Path(path).is_file():
            raise UnknownAdapter(f"adapter {name!r}: file not found: {path}")
        if not class_name.isidentifier():
            raise UnknownAdapter(f"adapter {name!r}: {class_name!r} is not a class name; write file.py:Class")
        target = f"{Path(path).resolve()}:{class_name}"
    elif plain.endswith(".py"):
        raise UnknownAdapter(f"adapter {name!r} has no class; write {_with_classes(Path(plain))}")
    else:
        target = BUILT_IN.get(plain) or entry_points().get(plain, "")
        if not target:
            raise UnknownAdapter(f"unknown adapter {plain!r}{_meant(plain)}")
    if machine != NATIVE:
        _check_machine(name, machine, target)
    return AdapterSpec(name, target, python or sys.executable, machine)


def _with_classes(path: Path) -> str:
    """A file with each of the classes in it, read without running it."""
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        body = []
    names = [node.name for node in body if isinstance(node, ast.ClassDef)]
    return " or ".join(f"{path}:{name}" for name in names or ["Class"])


def _meant(name: str) -> str:
    """The adapters of the framework that a wrong name is, or those that it resembles, and all others."""
    from conformance.cases.names import did_you_mean  # slow to import, and for the error only

    known = sorted(all_adapters())
    starts = _FRAMEWORK_NAMES.get(name.lower(), (f"{name.lower()}-",))
    of_framework = [adapter for adapter in known if adapter.startswith(starts)]
    if of_framework:
        return f": it can mean {', '.join(of_framework)}"
    return f"{did_you_mean(name, known)}; known adapters: {', '.join(known)}, or file.py:Class"


def _check_machine(name: str, machine: str, target: str) -> None:
    try:
        profile = machine_named(machine)
    except UnknownMachine as error:
        raise UnknownAdapter(f"adapter {name!r}: {error}") from None
    kind = load(target)
    why_not = profile.unreachable() or inapplicable(profile, kind.packages, kind.environment)
    if why_not:
        raise MachineOutOfReach(f"adapter {name!r}: machine profile {machine} is not available: {why_not}")


def load(target: str) -> type[Adapter]:
    """Import the class an adapter spec points to; the framework itself is imported when it is constructed."""
    from conformance.adapters.base import Adapter  # here, so that resolving a name imports nothing large

    path, _, class_name = target.rpartition(":")
    if path.endswith(".py"):
        # Under a unique module name: the file may have the name of the framework.
        spec = importlib.util.spec_from_file_location(f"conformance_adapter_{Path(path).stem}", path)
        if spec is None or spec.loader is None:
            raise UnknownAdapter(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            with _old_names():
                spec.loader.exec_module(module)
        except Exception as error:
            raise UnknownAdapter(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    elif path.startswith("conformance."):
        module = importlib.import_module(path)
    else:
        with _old_names():
            module = importlib.import_module(path)
    kind = getattr(module, class_name, None)
    if not (isinstance(kind, type) and issubclass(kind, Adapter)):
        raise UnknownAdapter(f"{target} is not an Adapter class")
    return kind


def _old_names() -> AbstractContextManager[None]:
    from conformance.adapters.old_names import importable  # needed for adapters of other projects only

    return importable()


def installed(spec: AdapterSpec) -> dict[str, str] | None:
    """Versions of an adapter's packages in this environment, None for an adapter in another environment."""
    return None if spec.foreign else versions(load(spec.target).packages)


def all_adapters() -> dict[str, str]:
    """Names and targets of the built-in and entry-point adapters."""
    return {**entry_points(), **BUILT_IN}


def available(device: str = "cpu") -> list[str]:
    """Built-in and entry-point adapters of a device whose packages are all installed in this environment."""
    names = []
    for name, target in all_adapters().items():
        with suppress(ImportError):
            kind = load(target)
            if kind.packages and kind.device == device and len(versions(kind.packages)) == len(kind.packages):
                names.append(name)
    return names
