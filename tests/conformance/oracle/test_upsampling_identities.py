"""The identities of upsampling hold in the oracle, on the frameworks, and for their own resizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.oracle.expected_output import expected_output
from tests.support.frameworks import families
from tests.support.upsampling_identities import RELATIVES, Example, Relative, unpooling_places

SIZES = {1: (5,), 2: (3, 4), 3: (3, 2, 4)}


def image(rank: int, channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(rank)
    return rng.integers(1, 9, (2, channels, *SIZES[rank])).astype(np.float32)


def agrees(relative: Relative, example: Example, got: np.ndarray) -> bool:
    wanted, got = example.expected[example.valid], got[example.valid]
    if relative.exact:
        return bool(np.array_equal(got, wanted))
    # Sums of at most 2**rank products of float32 numbers.
    return bool(np.allclose(got, wanted, rtol=8 * 2.0**-24, atol=0))


@pytest.mark.parametrize("name", RELATIVES)
@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_identity_in_the_oracle(name: str, factor: int, rank: int) -> None:
    example = RELATIVES[name].run(image(rank), factor)
    got = expected_output(example.case, example.tensors)["y"]
    assert got.shape == example.expected.shape
    assert agrees(RELATIVES[name], example, got)


@pytest.mark.parametrize("name", RELATIVES)
def test_another_kernel_breaks_the_identity(name: str) -> None:
    example = RELATIVES[name].run(image(1), 2)
    other = example.tensors | {"w": example.tensors["w"] + 1}
    assert not agrees(RELATIVES[name], example, expected_output(example.case, other)["y"])


@pytest.fixture(scope="module", params=families())
def host(request: pytest.FixtureRequest) -> Iterator[AdapterProcess]:
    with AdapterProcess(resolve(request.param)) as running:
        yield running


@pytest.mark.parametrize("name", RELATIVES)
def test_identity_on_every_adapter(name: str, host: AdapterProcess) -> None:
    for rank in (1, 2, 3):
        example = RELATIVES[name].run(image(rank), 2)
        reply = host.run(example.case, example.tensors)
        if reply.kind in ("unsupported", "inexpressible"):
            continue  # a declared limit, such as groups in Keras or a rank
        assert reply.kind == "answer", reply.detail
        if "y" in reply.tensors:  # a shape inference has no values
            assert agrees(RELATIVES[name], example, reply.tensors["y"].values)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("factor", [2, 3])
def test_torch_resizes_alike(rank: int, factor: int) -> None:
    torch = pytest.importorskip("torch")
    x = image(rank)
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    for name, mode in (("nearest", {"mode": "nearest"}), ("bilinear", {"mode": linear, "align_corners": False})):
        example = RELATIVES[name].run(x, factor)
        own = torch.nn.functional.interpolate(torch.from_numpy(x), scale_factor=factor, **mode).numpy()
        assert agrees(RELATIVES[name], example, own)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_torch_unpools_alike(rank: int) -> None:
    torch = pytest.importorskip("torch")
    x, factor = image(rank), 2
    example = RELATIVES["max_unpooling"].run(x, factor)
    places = unpooling_places(x.shape, factor**rank)
    within = np.unravel_index(places, (factor,) * rank)
    size = tuple(n * factor for n in x.shape[2:])
    grid = np.indices(x.shape)[2:]
    flat = np.ravel_multi_index([g * factor + p for g, p in zip(grid, within, strict=True)], size)
    unpool = getattr(torch.nn.functional, f"max_unpool{rank}d")
    own = unpool(torch.from_numpy(x), torch.from_numpy(flat), factor).numpy()
    assert np.array_equal(own, example.expected)


def test_jax_resizes_alike() -> None:
    jax = pytest.importorskip("jax")
    x = image(2)
    for name, method in (("nearest", "nearest"), ("bilinear", "linear")):
        example = RELATIVES[name].run(x, 2)
        own = np.asarray(jax.image.resize(x, example.expected.shape, method))
        assert agrees(RELATIVES[name], example, own)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_resizing_first_leaves_no_checkerboard(factor: int) -> None:
    """Each phase of the kernel sums to the same, so an even input gives an even output."""
    example = RELATIVES["resize_then_convolve"].run(np.ones((1, 1, 6), np.float32), factor)
    w = example.tensors["w"][0, 0]
    sums = {float(w[phase::factor].sum()) for phase in range(factor)}
    assert len(sums) == 1
