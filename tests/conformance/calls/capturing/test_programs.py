"""Programs in the style of public ones, run unchanged: what is captured is what they call."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path

import pytest

from conformance.calls.capturing.captured import CapturedCall, captured_calls
from conformance.calls.capturing.program import run_program
from conformance.cases import Case
from tests.support.frameworks import requires

FOLDER = Path(__file__).parent / "programs"
RUN = Path(__file__).parent / "run_programs.py"

# Per program: the source line, the layer's name, the case and how often, in order.
Expected = tuple[str, str | None, str, int]
TORCH: dict[str, list[Expected]] = {
    "torch_dcgan": [
        ("return self.main(noise)", "main.0", "2d-n2-c8x8-i1-k4-p0", 2),
        ("return self.main(noise)", "main.3", "2d-n2-c8x4-i4-k4-s2-p1", 2),
        ("return self.main(noise)", "main.6", "2d-n2-c4x3-i8-k4-s2-p1", 2),
    ],
    "torch_unet": [
        ("wide = self.up(deep)", "up", "2d-n2-c8x4-i4-k2-s2-p0-b1", 1),
        ("wide = self.up(deep)", "up", "2d-n2-c8x4-i4-k2-s2-p0-b1-grad", 1),
    ],
    "torch_fcn8": [
        ("twice = F.conv_transpose2d(", None, "2d-c3x3-i3x4-k4-s2-g3-p1", 1),
        ("full = F.conv_transpose2d(", None, "2d-c3x3-i6x8-k16-s8-g3-p0", 1),
    ],
    "torch_vocoder": [
        ("mel = up(", "ups.0", "1d-c8x4-i6-k8-s4-p2-bf16-b1", 1),
        ("mel = up(", "ups.1", "1d-c4x2-i24-k4-s2-p1-bf16-b1", 1),
    ],
}
KERAS: dict[str, list[Expected]] = {
    "keras_autoencoder": [
        ("model.train_on_batch(", "decode", "2d-n2-c4x4-i4-k3-s2-same-cl-b1", 1),
        ("model.train_on_batch(", "decode", "2d-n2-c4x4-i4-k3-s2-same-cl-b1-grad", 1),
        ("print(", "decode", "2d-n2-c4x4-i4-k3-s2-same-cl-b1", 1),
    ],
    "keras_vae_decoder": [
        ("print(", "first", "2d-c4x3-i3-k3-s2-valid-op1-cl-b1", 1),
        ("print(", "second", "2d-c3x1-i8-k3-same-cl", 1),
    ],
}
TENSORFLOW: dict[str, list[Expected]] = {
    "tensorflow_pix2pix": [("return tf.nn.conv2d_transpose(", None, "2d-n2-c6x3-i4-k4-s2-same-cl", 1)],
}
JAX: dict[str, list[Expected]] = {
    "jax_superresolution": [
        ("return lax.conv_transpose(", None, "2d-c2x3-i4-k4-s2-same-cl", 1),  # traced by jit
        ("return lax.conv_transpose(", None, "2d-c2x3-i4-k4-s2-same-cl-grad", 1),
        ("return lax.conv_transpose(", None, "2d-c2x3-i4-k4-s2-same-cl", 1),  # run
    ],
    "flax_decoder": [("return nn.ConvTranspose(", "decoder.up1", "2d-n2-c5x3-i4-k3-s2-same-cl", 2)],
    "nnx_segmentation": [("x = block(x)", "blocks.0", "2d-c4x2-i3-k2-s2-valid-cl", 1)],
    "haiku_generator": [("return hk.Conv2DTranspose(", "up", "2d-c4x3-i2-k4-s2-same-cl", 2)],
    "equinox_vae": [("return self.up(latent)", "up", "2d-c3x2-i5-k3-s2-p1.0", 1)],  # one example of vmap
}
RUNTIMES: dict[str, list[Expected]] = {
    "exported_model": [
        ("(large,) = session.run(", "up1", "2d-n2-c3x4-i4x5-k3-s2-p1-b1", 1),
        ("(large,) = session.run(", "up2", "2d-n2-c4x2-i7x9-k2-s2-p0-op1", 1),
        ("(large,) = session.run(", "up1", "2d-n1-c3x4-i4x5-k3-s2-p1-b1", 1),
        ("(large,) = session.run(", "up2", "2d-n1-c4x2-i7x9-k2-s2-p0-op1", 1),
        ("openvino.Core().compile_model(", "up1", "2d-n2-c3x4-i4x5-k3-s2-p1", 1),
        (
            "openvino.Core().compile_model(",
            "result",
            "2d-n2-c4x2-i7x9-k2-s2-p0-op1",
            1,
        ),  # the name of the model's output
    ],
    "mlx_upsampler": [("return self.up(x)", "up", "2d-n2-c3x4-i5x6-k3-s2-p1-cl", 1)],
}
PADDLE: dict[str, list[Expected]] = {
    "paddle_generator": [
        ("return self.main(noise)", "main.0", "2d-n2-c4x3-i5x6-k4-s2-p1", 1),
        ("return self.main(noise)", "main.0", "2d-n2-c4x3-i5x6-k4-s2-p1-grad", 1),
        ("signal = nn.functional.conv1d_transpose(", None, "1d-c2x6-i7-k3-s2-g2-p0", 1),
    ],
}
TINYGRAD: dict[str, list[Expected]] = {
    "tinygrad_upsampler": [("return self.up(x).relu()", "up", "2d-n2-c3x4-i5x6-k3-s2-p1-op1-b1", 1)],
}


@pytest.mark.parametrize(
    "programs",
    [
        pytest.param(TORCH, id="torch", marks=requires("torch")),
        pytest.param(KERAS | TENSORFLOW, id="tensorflow", marks=requires("tf-nn", "keras-tensorflow")),
        pytest.param(JAX, id="jax", marks=requires("jax-lax", "flax-linen", "haiku", "equinox")),
        pytest.param(RUNTIMES, id="runtimes", marks=requires("onnxruntime", "openvino", "mlx")),
        pytest.param(PADDLE, id="paddle", marks=requires("paddle")),
        pytest.param(TINYGRAD, id="tinygrad", marks=requires("tinygrad")),
    ],
)
def test_programs(programs: dict[str, list[Expected]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setenv("DEV", "PYTHON")  # tinygrad's device that needs no compiler
    command = [sys.executable, str(RUN), *(str(FOLDER / f"{name}.py") for name in programs)]
    with (tmp_path / "stdout").open("w") as stdout:
        ran = run_program(command, stdout=stdout)
    printed = (tmp_path / "stdout").read_text().splitlines()
    assert ran.exit_code == 0
    assert not ran.recorded.problems
    assert len(printed) == len(programs)
    calls = captured_calls(ran.recorded)
    for name, expected in programs.items():
        captured = [call for call in calls if f"{name}.py:" in str(call.where)]
        assert [(call.name, str(call.case), call.count) for call in captured] == [
            (layer, str(Case.parse(case)), count) for _, layer, case, count in expected
        ]
        for call, (line, *_) in zip(captured, expected, strict=True):
            assert source_line(call).startswith(line)
    assert len(calls) == sum(map(len, programs.values()))


def source_line(call: CapturedCall) -> str:
    path, _, line = str(call.where).rpartition(":")
    return linecache.getline(path, int(line)).strip()
