"""ncnn: per case one net with one ``Deconvolution`` layer, a ``.param`` text and a ``.bin`` file of weights."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import ClassVar

from conformance.adapters.base import Adapter, Limit, Program
from conformance.adapters.facts import calls_with
from conformance.adapters.frameworks.common_limits import no_complex, no_dtype, no_gradient, no_periodic
from conformance.adapters.frameworks.padding import geometry
from conformance.cases.case import Case

__all__ = ["Ncnn", "NcnnUnpacked"]

_OPERATORS = "https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md"
_FILES = "https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/param-and-model-file-structure.md"
_MAT = "https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/element-packing.md"

# Keys of the parameters in a layer's line, from the last axis to the first: width, height, depth.
_KERNEL, _DILATION, _STRIDE = (1, 11, 21), (2, 12, 22), (3, 13, 23)
_LOW, _HIGH, _OUTPUT_PADDING = (4, 14, 24), (15, 16, 17), (18, 19, 20)
_OUTPUT_SIZE = {1: (20,), 2: (20, 21), 3: (25, 26, 27)}
_NUM_OUTPUT, _BIAS, _WEIGHTS, _GROUP = 0, 5, 6, 7
# In place of pads, with an output size: the odd position is cut at the end, or at the start.
_SAME = {"same": -233, "same_upper": -233, "same_lower": -234}


def _negative_low(case: Case) -> bool:
    solved = geometry(case)
    return solved is not None and any(low < 0 for low, _ in solved.crop)


class Ncnn(Adapter):
    """Layers Deconvolution and DeconvolutionDepthWise in 1-D, 2-D and 3-D, in float32 on the CPU, one thread."""

    name = "ncnn"
    packages = ("ncnn",)
    extra = "ncnn"
    documentation = _OPERATORS
    facts = (calls_with(1),)
    limits: ClassVar[tuple[Limit, ...]] = (
        no_periodic(_OPERATORS),
        no_gradient(_OPERATORS),
        no_complex(_FILES),
        no_dtype(_FILES, "f64", "f16", "bf16"),
        Limit("inexpressible", "batch", lambda case: case.batch == 0, "a Mat is one image, without a batch", _MAT),
        Limit(
            "inexpressible", "padding", _negative_low, "there is no parameter for zeros at the start", _OPERATORS
        ),
    )
    # Half precision in memory is the default; the case is about float32.
    options: ClassVar[tuple[str, ...]] = (
        "net.opt.num_threads = 1",
        "net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False",
    )

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("ncnn")

    def damages_process(self, case: Case) -> bool:
        """A negative output_padding is not checked, and memory behind the output is overwritten."""
        return min(case.output_padding or (0,)) < 0

    def program(self, case: Case) -> Program:
        """Write the files, load them, run the net once per image."""
        axes = range(2, case.rank + 2)
        body = [
            f"layer = {_layer(case)!r}",
            "with tempfile.TemporaryDirectory() as folder:",
            '    with open(f"{folder}/model.param", "w") as file:',
            r'        file.write("7767517\n2 2\nInput input 0 1 x\n" + layer + "\n")',
            '    with open(f"{folder}/model.bin", "wb") as file:',
            f"        file.write(bytes(4) + {_weights(case)}.tobytes(){' + bias.tobytes()' if case.bias else ''})",
            "    net = ncnn.Net()",
            *(f"    {line}" for line in self.options),
            '    if net.load_param(f"{folder}/model.param") or net.load_model(f"{folder}/model.bin"):',
            '        raise RuntimeError("ncnn does not load the net")',
            "",
            "def run(image):",
            "    extractor = net.create_extractor()",
            # A Mat borrows the memory of the array, which must live until it is cloned.
            "    image = np.ascontiguousarray(image)",
            '    extractor.input("x", ncnn.Mat(image).clone())',
            '    failed, y = extractor.extract("y")',
            "    if failed:",
            '        raise RuntimeError(f"ncnn returns {failed}")',
            "    return np.array(y)",
            "",
            "y = np.stack([run(image) for image in x])",
        ]
        if case.layout == "channels_last":
            body.insert(0, f"x = x.transpose({(0, case.rank + 1, *range(1, case.rank + 1))})")
            body.append(f"y = y.transpose({(0, *axes, 1)})")
        return Program(("import tempfile", "import ncnn"), tuple(body))


def _layer(case: Case) -> str:
    """The line of the layer in the ``.param`` text."""
    kind = "Deconvolution" if case.groups == 1 else "DeconvolutionDepthWise"
    suffix = {1: "1D", 2: "", 3: "3D"}[case.rank]
    per_axis = [(_KERNEL, case.kernel_size), (_DILATION, case.dilation), (_STRIDE, case.stride), *_padding(case)]
    parameters = {
        _NUM_OUTPUT: case.out_channels,
        **{key: value for keys, values in per_axis for key, value in zip(keys, reversed(values), strict=False)},
        _BIAS: int(case.bias),
        _WEIGHTS: _size(case.weight_shape),
    }
    if case.groups != 1:
        parameters[_GROUP] = case.groups
    return f"{kind}{suffix} layer 1 1 x y " + " ".join(f"{key}={value}" for key, value in parameters.items())


def _size(shape: Iterable[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _padding(case: Case) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The parameters that determine the output's start and size."""
    solved = geometry(case)
    if isinstance(case.padding, str) and solved is not None:
        if case.padding in _SAME and case.output_padding is None and min(min(pair) for pair in solved.crop) >= 0:
            same = (_SAME[case.padding],) * case.rank
            return [(_LOW, same), (_HIGH, same), (_OUTPUT_SIZE[case.rank], solved.output_size)]
        crop = solved.crop
        output_padding = tuple(max(-high, 0) for _, high in crop)
    else:
        crop = () if isinstance(case.padding, str) else case.padding
        crop = crop or ((0, 0),) * case.rank
        output_padding = case.output_padding or (0,) * case.rank
        # Zeros at the end are output_padding.
        output_padding = tuple(o + max(-high, 0) for o, (_, high) in zip(output_padding, crop, strict=True))
    low, high = (tuple(max(pair[end], 0) for pair in crop) for end in (0, 1))
    return [(_LOW, low), (_HIGH, high), (_OUTPUT_PADDING, output_padding)]


def _weights(case: Case) -> str:
    """Groups first, then output channels, then input channels."""
    g = case.groups
    if g < 1 or case.in_channels % g or case.out_channels % g:
        return "w"  # of an invalid case
    shape = (g, case.in_channels // g, case.out_channels // g, *case.kernel_size)
    return f"w.reshape({shape}).swapaxes(1, 2)"


class NcnnUnpacked(Ncnn):
    """Without the packed layouts and matrix products, so with the layers' plain kernels."""

    name = "ncnn-unpacked"
    options = (
        *Ncnn.options,
        "net.opt.use_packing_layout = net.opt.use_sgemm_convolution = False",
    )
