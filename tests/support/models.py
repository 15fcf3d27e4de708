"""Small models, made by their own exporters and read: ``python -m tests.support.models FAMILY FOLDER``.

A family is a process, so that each framework is imported once. For each model, FOLDER/NAME has what the reader
wrote, and in ``layer.npz`` the input and the output of one layer, by the framework itself.
"""

from __future__ import annotations

import os
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from conformance.calls.model_files import process
from conformance.calls.model_files.formats import format_of
from conformance.calls.model_files.reading import write_request
from conformance.calls.model_files.records import Request

__all__ = ["FAMILIES"]


def read(folder: Path, name: str, model: Path, trust: bool = False, **inputs: tuple[int, ...]) -> None:
    """Read a model into FOLDER/NAME as the suite's own process does."""
    (folder / name).mkdir()
    request = Request(model, tuple((key.strip("_"), shape) for key, shape in inputs.items()), trust, values=True)
    write_request(request, format_of(model), folder / name)
    process.main(folder / name)


def sample(folder: Path, name: str, x: np.ndarray, y: Any) -> None:
    """Keep the input and the output of a layer."""
    np.savez(folder / name / "layer.npz", x=x, y=np.asarray(y))


def numbers(*shape: int) -> np.ndarray:
    """Numbers of a layer's input."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def torch_family(folder: Path) -> None:
    """A generator of DCGAN as ONNX and for OpenVINO, an upsampler of a vocoder as an exported program."""
    import openvino
    import torch

    torch.manual_seed(0)
    up, nn = torch.nn.ConvTranspose2d, torch.nn
    generator = nn.Sequential(
        up(4, 4, 4, 1, 0, bias=False), nn.BatchNorm2d(4), nn.ReLU(), up(4, 2, 4, 2, 1, groups=2), nn.ReLU(),
        up(2, 3, 3, 2, 1, output_padding=1), nn.Tanh(),
    ).eval()  # fmt: skip
    path = folder / "generator.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter without further packages calls itself old
        axes = {"z": {0: "batch"}}
        torch.onnx.export(
            generator, (torch.zeros(1, 4, 1, 1),), str(path), dynamo=False, input_names=["z"], dynamic_axes=axes
        )
    read(folder, "onnx", path)
    read(folder, "onnx-of-two", path, z=(2, 4, 1, 1))
    x = numbers(1, 4, 4, 4)
    sample(folder, "onnx", x, generator[3](torch.from_numpy(x)).detach())
    openvino.save_model(openvino.convert_model(path), folder / "generator.xml", compress_to_fp16=False)
    read(folder, "openvino", folder / "generator.xml")
    bias = generator[3].bias.detach().numpy().reshape(1, -1, 1, 1)  # an operation of its own in OpenVINO
    sample(folder, "openvino", x, generator[3](torch.from_numpy(x)).detach().numpy() - bias)

    up1 = torch.nn.ConvTranspose1d
    vocoder = nn.ModuleDict({"ups": nn.ModuleList([up1(4, 3, 8, 4, 2), up1(3, 2, 4, 2, 1)])})
    vocoder.forward = lambda x: vocoder["ups"][1](nn.functional.leaky_relu(vocoder["ups"][0](x)))
    frames = {"x": {2: torch.export.Dim("frames", min=2)}}
    exported = torch.export.export(vocoder, (torch.zeros(1, 4, 5),), dynamic_shapes=frames)
    path = folder / "vocoder.pt2"
    torch.export.save(exported, path)
    read(folder, "pt2", path)
    read(folder, "pt2-of-nine", path, _=(2, 4, 9))
    sample(folder, "pt2", numbers(1, 4, 5), vocoder["ups"][0](torch.from_numpy(numbers(1, 4, 5))).detach())
    for trust in (True, False):
        target = folder / f"trust-{trust}.pt2"
        plant_pickle(path, target, folder / f"ran-{trust}")
        read(folder, f"pickle-{trust}", target, trust=trust)


class _Makes:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (self.folder,)


def plant_pickle(source: Path, target: Path, folder: Path) -> None:
    """Copy an exported program, with a pickle in place of its example input that makes a folder."""
    import torch

    planted = target.with_suffix(".pt")
    torch.save(((_Makes(folder),), {}), planted)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            changed = entry.filename.endswith("sample_inputs/model.pt")
            new.writestr(entry.filename, planted.read_bytes() if changed else old.read(entry))


def tensorflow_family(folder: Path) -> None:
    """A U-Net of Keras, a decoder of FCN-8 as a SavedModel, super-resolution for TensorFlow Lite."""
    import keras
    import tensorflow as tf

    layers = keras.layers
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 12, 2))
    first = layers.Conv2D(3, 3, padding="same")(image)
    second = layers.Conv2D(4, 3, padding="same")(layers.MaxPooling2D()(first))
    third = layers.Conv2D(4, 3, padding="same")(layers.MaxPooling2D()(second))
    up = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="up1")(third)
    up = layers.Conv2DTranspose(3, 2, strides=2, activation="relu", name="up2")(layers.Concatenate()([up, second]))
    unet = keras.Model(image, layers.Conv2D(1, 1)(layers.Concatenate()([up, first])))
    for suffix in ("keras", "h5"):
        unet.save(folder / f"unet.{suffix}")
        read(folder, suffix, folder / f"unet.{suffix}")
        sample(folder, suffix, numbers(1, 2, 3, 4), unet.get_layer("up1")(numbers(1, 2, 3, 4)))
    read(folder, "keras-of-two", folder / "unet.keras", _=(2, 8, 12, 2))
    python = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.Lambda(lambda x: x + 1), layers.Conv2DTranspose(3, 3)]
    )
    python.save(folder / "python.keras")
    read(folder, "lambda", folder / "python.keras")
    read(folder, "lambda-trusted", folder / "python.keras", trust=True)

    class Decoder(tf.Module):  # type: ignore[misc]  # TensorFlow is untyped for mypy here
        def __init__(self) -> None:
            self.two, self.eight = (tf.Variable(numbers(size, size, 2, n)) for size, n in ((4, 3), (16, 2)))

        @tf.function(
            input_signature=[tf.TensorSpec((None, None, None, n), name=x) for x, n in (("score", 3), ("pool", 2))]
        )
        def decode(self, score: Any, pool: Any) -> Any:
            fused = tf.nn.conv2d_transpose(score, self.two, tf.shape(pool), 2, name="upscore2") + pool
            wanted = tf.shape(fused) * [1, 8, 8, 1]
            return tf.nn.conv2d_transpose(fused, self.eight, wanted, 8, name="upscore8")

    decoder = Decoder()
    tf.saved_model.save(decoder, str(folder / "fcn8"), signatures=decoder.decode.get_concrete_function())
    read(folder, "saved-model", folder / "fcn8")
    read(folder, "saved-model-sized", folder / "fcn8", score=(1, 3, 4, 3), pool=(1, 5, 8, 2))
    x = numbers(1, 3, 4, 3)
    sample(folder, "saved-model-sized", x, tf.nn.conv2d_transpose(x, decoder.two, (1, 5, 8, 2), 2))

    small = keras.Input((6, 5, 1), batch_size=1)
    features = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 5, padding="same")(small))
    deconv = layers.Conv2DTranspose(1, 9, strides=3, padding="same", bias_initializer="ones", name="deconv")
    model = keras.Model(small, deconv(features))
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    (folder / "superres.tflite").write_bytes(content)
    read(folder, "tflite", folder / "superres.tflite")
    read(folder, "tflite-sized", folder / "superres.tflite", _=(1, 4, 7, 1))
    sample(folder, "tflite", numbers(1, 6, 5, 4), deconv(numbers(1, 6, 5, 4)))


FAMILIES = {"torch": torch_family, "tensorflow": tensorflow_family}

if __name__ == "__main__":
    FAMILIES[sys.argv[1]](Path(sys.argv[2]))
