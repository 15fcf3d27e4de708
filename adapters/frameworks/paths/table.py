"""The paths. A new one is a class that names its parts, and a line in ``conformance.adapters.registry``."""

from __future__ import annotations

from conformance.adapters.frameworks.paths import converters, runtimes, sources
from conformance.adapters.frameworks.paths.parts import PathAdapter


class TorchOnnx(PathAdapter):
    """``torch.onnx.export`` on top of ``torch.export``, the default exporter, to ONNX Runtime."""

    name = "torch-onnx"
    source, steps, runtime = sources.TORCH_MODULE, (converters.TORCH_ONNX,), runtimes.ONNXRUNTIME


class TorchOnnxDynamic(PathAdapter):
    """The default exporter with a dynamic batch and dynamic spatial axes."""

    name = "torch-onnx-dynamic"
    source, steps, runtime = sources.TORCH_MODULE, (converters.TORCH_ONNX_DYNAMIC,), runtimes.ONNXRUNTIME


class TorchScriptOnnx(PathAdapter):
    """``torch.onnx.export(dynamo=False)``, the exporter on top of TorchScript, to ONNX Runtime."""

    name = "torch-script-onnx"
    source, steps, runtime = sources.TORCH_MODULE, (converters.TORCH_SCRIPT_ONNX,), runtimes.ONNXRUNTIME


class TorchScriptOnnxDynamic(PathAdapter):
    """The exporter on top of TorchScript with a dynamic batch and dynamic spatial axes."""

    name = "torch-script-onnx-dynamic"
    source, steps, runtime = sources.TORCH_MODULE, (converters.TORCH_SCRIPT_ONNX_DYNAMIC,), runtimes.ONNXRUNTIME


class TorchScriptOnnxOpenvino(PathAdapter):
    """The exporter on top of TorchScript, to OpenVINO."""

    name = "torch-script-onnx-openvino"
    source, steps, runtime = sources.TORCH_MODULE, (converters.TORCH_SCRIPT_ONNX,), runtimes.OPENVINO


class TorchOpenvino(PathAdapter):
    """``openvino.convert_model`` of the module, which it traces."""

    name = "torch-openvino"
    source, steps, runtime = sources.TORCH_MODULE, (converters.OPENVINO_TRACED,), runtimes.OPENVINO


class TorchExportOpenvino(PathAdapter):
    """``openvino.convert_model`` of a program of ``torch.export``."""

    name = "torch-export-openvino"
    source, runtime = sources.TORCH_MODULE, runtimes.OPENVINO
    steps = (converters.TORCH_EXPORT, converters.OPENVINO_EXPORTED)


class TorchOnnxOnnxslim(PathAdapter):
    """The default exporter, OnnxSlim, ONNX Runtime."""

    name = "torch-onnx-onnxslim"
    source, runtime = sources.TORCH_MODULE, runtimes.ONNXRUNTIME
    steps = (converters.TORCH_ONNX, converters.ONNXSLIM)


class TorchNcnn(PathAdapter):
    """pnnx on the module, to ncnn."""

    name = "torch-pnnx-ncnn"
    source, steps, runtime = sources.TORCH_MODULE, (converters.PNNX,), runtimes.NCNN


class KerasOnnx(PathAdapter):
    """``model.export(format="onnx")`` of Keras on TensorFlow, to ONNX Runtime."""

    name = "keras-onnx"
    source, steps, runtime = sources.KERAS_TENSORFLOW, (converters.KERAS_ONNX,), runtimes.ONNXRUNTIME


class KerasOnnxDynamic(PathAdapter):
    """The same for a model whose batch and spatial sizes are not known before it runs."""

    name = "keras-onnx-dynamic"
    source, steps, runtime = sources.KERAS_DYNAMIC, (converters.KERAS_ONNX,), runtimes.ONNXRUNTIME


class KerasTorchOnnx(PathAdapter):
    """``model.export(format="onnx")`` of Keras on PyTorch, to ONNX Runtime."""

    name = "keras-torch-onnx"
    source, steps, runtime = sources.KERAS_TORCH, (converters.KERAS_TORCH_ONNX,), runtimes.ONNXRUNTIME


class KerasToOpenvino(PathAdapter):
    """``model.export(format="openvino")`` of Keras on TensorFlow, to OpenVINO."""

    name = "keras-to-openvino"
    source, steps, runtime = sources.KERAS_TENSORFLOW, (converters.KERAS_OPENVINO,), runtimes.OPENVINO


class KerasToOpenvinoDynamic(PathAdapter):
    """The same for a model whose batch and spatial sizes are not known before it runs."""

    name = "keras-to-openvino-dynamic"
    source, steps, runtime = sources.KERAS_DYNAMIC, (converters.KERAS_OPENVINO,), runtimes.OPENVINO


class KerasTorchToOpenvino(PathAdapter):
    """``model.export(format="openvino")`` of Keras on PyTorch, to OpenVINO."""

    name = "keras-torch-to-openvino"
    source, steps, runtime = sources.KERAS_TORCH, (converters.KERAS_OPENVINO,), runtimes.OPENVINO


class KerasLitert(PathAdapter):
    """``model.export(format="litert")`` of Keras, to LiteRT."""

    name = "keras-litert"
    source, steps, runtime = sources.KERAS_TENSORFLOW, (converters.KERAS_LITERT,), runtimes.LITERT


class KerasLitertDynamic(PathAdapter):
    """The same for a model whose batch and spatial sizes are not known before it runs."""

    name = "keras-litert-dynamic"
    source, steps, runtime = sources.KERAS_DYNAMIC, (converters.KERAS_LITERT,), runtimes.LITERT


class KerasSavedModel(PathAdapter):
    """``model.export`` of Keras as a SavedModel, run by TensorFlow."""

    name = "keras-saved-model"
    source, steps, runtime = sources.KERAS_TENSORFLOW, (converters.KERAS_SAVED_MODEL,), runtimes.SAVED_MODEL


class KerasSavedModelLitert(PathAdapter):
    """``model.export`` of Keras as a SavedModel, TFLiteConverter, LiteRT."""

    name = "keras-saved-model-litert"
    source, runtime = sources.KERAS_TENSORFLOW, runtimes.LITERT
    steps = (converters.KERAS_SAVED_MODEL, converters.TFLITE)


class TensorFlowOnnx(PathAdapter):
    """tf2onnx on a function, to ONNX Runtime."""

    name = "tf2onnx"
    source, steps, runtime = sources.TENSORFLOW_FUNCTION, (converters.TF2ONNX,), runtimes.ONNXRUNTIME


class OnnxSlim(PathAdapter):
    """OnnxSlim on a model of one node, to ONNX Runtime."""

    name = "onnxslim"
    source, steps, runtime = sources.ONNX_MODEL, (converters.ONNXSLIM,), runtimes.ONNXRUNTIME


class OnnxSim(PathAdapter):
    """onnxsim on a model of one node, to ONNX Runtime."""

    name = "onnxsim"
    source, steps, runtime = sources.ONNX_MODEL, (converters.ONNXSIM,), runtimes.ONNXRUNTIME


class OnnxOptimizer(PathAdapter):
    """onnxoptimizer with every fusion and elimination, to ONNX Runtime."""

    name = "onnxoptimizer"
    source, steps, runtime = sources.ONNX_MODEL, (converters.ONNXOPTIMIZER,), runtimes.ONNXRUNTIME


class OnnxRuntimeOffline(PathAdapter):
    """ONNX Runtime's own optimiser, whose model it saves and reads again."""

    name = "onnxruntime-offline"
    source, steps, runtime = sources.ONNX_MODEL, (converters.ONNXRUNTIME_OFFLINE,), runtimes.ONNXRUNTIME
