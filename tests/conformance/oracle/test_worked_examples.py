"""The worked examples: the oracle prints their numbers, and so does every installed adapter that can ask."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases.corpus.literature import Example, load_examples
from conformance.oracle.expected_output import expected_output
from conformance.oracle.verdict import judge
from tests.support.definition import by_definition
from tests.support.frameworks import families

EXAMPLES = load_examples()
PRINTED = {name: example for name, example in EXAMPLES.items() if example.y is not None}


@pytest.mark.parametrize("example", PRINTED.values(), ids=PRINTED)
def test_the_oracle_prints_the_numbers(example: Example) -> None:
    np.testing.assert_array_equal(expected_output(example.case, example.tensors)["y"], example.y, strict=True)


@pytest.mark.parametrize("example", PRINTED.values(), ids=PRINTED)
def test_the_definition_prints_the_numbers(example: Example) -> None:
    # An independent route: the rules read aloud, in whole numbers.
    case = example.case
    y = by_definition(
        example.tensors["x"],
        example.tensors["w"],
        stride=case.stride,
        dilation=case.dilation,
        groups=case.groups,
        crop=case.geometry().crop,
    )
    assert example.y is not None
    np.testing.assert_array_equal(np.asarray(y, dtype=np.float64), example.y)


@pytest.fixture(scope="module", params=families())
def host(request: pytest.FixtureRequest) -> Iterator[AdapterProcess]:
    with AdapterProcess(resolve(request.param)) as host:
        yield host


def test_every_adapter_prints_the_numbers(host: AdapterProcess) -> None:
    ran = []
    for name, example in EXAMPLES.items():
        reply = host.run(example.case, example.tensors)
        verdict = judge(example.case, example.tensors, reply)
        if verdict.status in ("unsupported", "inexpressible"):
            continue
        ran.append(name)
        assert verdict.status == "pass", (name, verdict)
        got = reply.tensors["y"].values
        assert got.shape == example.shape, name
        if example.y is not None:
            np.testing.assert_array_equal(got, example.y, err_msg=name)
    # Few interfaces have every word, none lacks most of them.
    assert len(ran) >= len(EXAMPLES) - 4, ran
