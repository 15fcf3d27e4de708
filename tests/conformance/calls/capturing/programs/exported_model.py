"""A model as an exporter writes it, run by ONNX Runtime and compiled by OpenVINO."""

import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

shapes = {"w1": (3, 4, 3, 3), "b1": (4,), "w2": (4, 2, 2, 2)}
weights = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in shapes.items()]
up1 = helper.make_node(
    "ConvTranspose", ["image", "w1", "b1"], ["wide"], name="up1", strides=[2, 2], pads=[1, 1, 1, 1]
)
relu = helper.make_node("Relu", ["wide"], ["positive"])
up2 = helper.make_node(
    "ConvTranspose", ["positive", "w2"], ["result"], name="up2", strides=[2, 2], output_padding=[1, 1]
)
image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 4, 5])
result = helper.make_tensor_value_info("result", TensorProto.FLOAT, None)
graph = helper.make_graph([up1, relu, up2], "upsampler", [image], [result], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
for batch in (2, 1):
    (large,) = session.run(None, {"image": np.ones((batch, 3, 4, 5), np.float32)})

model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
openvino.Core().compile_model(openvino.Core().read_model(model.SerializeToString()), "CPU")
print("exported", large.shape)
