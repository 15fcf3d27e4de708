"""Nets of ncnn: their layers as cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.calls.model_files.ncnn_files import operators, read
from conformance.calls.model_files.records import ModelFileError, Request

TEXT = """7767517
3 3
Input                    in0                      0 1 in0
DeconvolutionDepthWise   deconv_0                 1 1 in0 1 0=6 1=3 11=2 2=1 3=2 4=1 14=0 18=1 5=1 6=72 7=2
ReLU                     relu_1                   1 1 1 out0
"""


def test_a_layer_is_read(tmp_path: Path) -> None:
    path = tmp_path / "net.param"
    path.write_text(TEXT, encoding="utf-8")
    (found,) = read(Request(path, inputs=(("", (2, 4, 5, 7)),)))
    assert (found.name, found.operator) == ("deconv_0", "DeconvolutionDepthWise")
    assert str(found.case) == "2d-n1-c4x6-i5x7-k2x3-s2x2-d1x1-g2-p0x1-op1x1-cf-f32-b1-ints.0-fwd"
    assert operators(path) == ["Input", "DeconvolutionDepthWise", "ReLU"]


def test_another_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.param"
    path.write_text("[section]\n", encoding="utf-8")
    with pytest.raises(ModelFileError, match="not a net of ncnn"):
        list(read(Request(path)))
