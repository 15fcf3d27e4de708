"""Where paths end: what runs a model file."""

from __future__ import annotations

from conformance.adapters.frameworks.litert_models import LiteRT
from conformance.adapters.frameworks.ncnn_layers import Ncnn
from conformance.adapters.frameworks.onnx_models import OPENVINO_CPU, OnnxRuntime
from conformance.adapters.frameworks.paths.parts import Runtime

__all__ = ["LITERT", "NCNN", "ONNXRUNTIME", "OPENVINO", "SAVED_MODEL"]

ONNXRUNTIME = Runtime(
    name="onnxruntime",
    packages=("onnxruntime",),
    documentation=OnnxRuntime.documentation,
    imports=("import onnxruntime as ort",),
    lines=lambda case, model: [
        "options = ort.SessionOptions()",
        "options.intra_op_num_threads, options.log_severity_level = 1, 3",
        f'session = ort.InferenceSession({model}, options, ["CPUExecutionProvider"])',
        "y = session.run(None, {session.get_inputs()[0].name: x})[0]",
    ],
)
OPENVINO = Runtime(
    name="openvino",
    packages=("openvino",),
    documentation=OPENVINO_CPU,
    imports=("import openvino as ov",),
    lines=lambda case, model: [
        'settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}',
        f'y = ov.Core().compile_model({model}, "CPU", settings)(x)[0]',
    ],
)
LITERT = Runtime(
    name="litert",
    packages=("ai-edge-litert",),
    documentation=LiteRT.documentation,
    imports=("from ai_edge_litert.interpreter import Interpreter",),
    lines=lambda case, model: [
        f"interpreter = Interpreter({model}, num_threads=1)",
        'interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], x.shape)',
        "interpreter.allocate_tensors()",
        'interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)',
        "interpreter.invoke()",
        'y = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])',
    ],
)
NCNN = Runtime(
    name="ncnn",
    packages=("ncnn",),
    documentation=Ncnn.documentation,
    imports=("import ncnn",),
    limits=tuple(limit for limit in Ncnn.limits if limit.parameter == "batch"),
    lines=lambda case, model: [
        f"weights = {model}.removesuffix('param') + 'bin'",
        "net = ncnn.Net()",
        *Ncnn.options,
        f"if net.load_param({model}) or net.load_model(weights):",
        '    raise RuntimeError("ncnn does not load the net")',
        "",
        "def run(image):",
        "    extractor = net.create_extractor()",
        # A Mat borrows the memory of the array, which must live until it is cloned.
        "    image = np.ascontiguousarray(image)",
        '    extractor.input("in0", ncnn.Mat(image).clone())',
        '    failed, y = extractor.extract("out0")',
        "    if failed:",
        '        raise RuntimeError(f"ncnn returns {failed}")',
        "    return np.array(y)",
        "",
        "y = np.stack([run(image) for image in x])",
    ],
)
SAVED_MODEL = Runtime(
    name="tensorflow",
    packages=("tensorflow",),
    documentation="https://www.tensorflow.org/guide/saved_model",
    imports=("import tensorflow as tf",),
    lines=lambda case, model: [
        f"loaded = tf.saved_model.load({model})",
        "y = loaded.serve(tf.constant(x)).numpy()",
    ],
)
