"""A lifted limit is found, a standing one is not called stale."""

from __future__ import annotations

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import load, resolve
from conformance.cases import Case
from conformance.triage.limit_probe import probe
from tests.support.command import toy

CASES = [
    Case.parse(text)
    for text in (
        "1d-c2x2-i3-k2-s2-d3",
        "1d-c2x2-i4-k3-s2-d2",
        "1d-c2x2-i3-k2-s2-d2-g2",
        "1d-c2x2-i3-k2-s2-g2",
        "1d-c2x2-i3-k2-s2-d2-f64",
        "1d-c2x3-i3-k2-s2-d2-g2",
        "1d-c2x2-i4-k3-s2-d2-normal.0",
    )
]


def test_a_lifted_limit_is_stale_and_a_standing_one_holds() -> None:
    spec = resolve(toy("Declining"))
    with AdapterProcess(spec) as host:
        dilation, groups = probe(load(spec.target), host, CASES)
        assert dilation.limit.parameter == "dilation"
        assert dilation.state == "stale"
        # Data that take rounding distinguish more, so they run first.
        assert [case for case, _ in dilation.evidence] == [str(case) for case in [CASES[-1], *CASES[:2]]]
        assert groups.state == "holds"
        assert [state.partition(":")[0] for _, state in groups.evidence] == ["fail"]
        assert [found.state for found in probe(load(spec.target), host, [])] == ["not probed", "not probed"]
