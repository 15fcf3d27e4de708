"""What is not an output gets its true outcome, and the other cases of the run get theirs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from tests.support.command import FAULTY, HEALTHY, conformance, known, toy

pytestmark = pytest.mark.xdist_group("odd outputs")


@dataclass(frozen=True)
class Odd:
    """What the faulty case of an adapter is recorded as."""

    status: str
    kind: str | None
    detail: str


ODD = {
    "LoneSurrogate": Odd("fail", "rejected", r"cannot open \udcff\ud800"),
    "ForksBoth": Odd("pass", None, ""),
    "OtherId": Odd("infra", None, "a reply to message -1 instead of"),
    "NamesTerabytes": Odd("fail", "rejected", "8.00 TiB"),
    "GivesNone": Odd("fail", "dtype", "the output is None"),
    "GivesText": Odd("fail", "dtype", "holds no numbers"),
    "GivesObjects": Odd("fail", "dtype", "object, which holds no numbers"),
    "GivesDates": Odd("fail", "dtype", "datetime64[s], which holds no numbers"),
    "Masked": Odd("fail", "dtype", "elements are masked"),
    "NothingMasked": Odd("pass", None, ""),
    "Endless": Odd("fail", "shape", "(1048576, 1048576)"),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Outcome]:
    """One run of every adapter: its outcomes by adapter and case."""
    out = tmp_path_factory.mktemp("odd")
    adapters = [word for name in ODD for word in ("--adapter", toy(name))]
    ids = [word for case_id in (HEALTHY[0], FAULTY, *HEALTHY[1:]) for word in ("--case", case_id)]
    expected = known(out / "known", **{name: odd.kind for name, odd in ODD.items() if odd.kind})
    done = conformance("run", *adapters, *ids, *expected, "--out", str(out), "-n", "0")
    assert done.returncode == 3, done.stdout + done.stderr  # for the failure of our own
    assert "Traceback" not in done.stdout + done.stderr
    with Results.open(out / "results.sqlite") as results:
        return {(found.adapter, found.case_id): found for found in results.outcomes()}


@pytest.mark.parametrize("name", ODD)
def test_each_gets_its_true_outcome(outcomes: dict[tuple[str, str], Outcome], name: str) -> None:
    odd, found = ODD[name], outcomes[toy(name), FAULTY]
    assert (found.status, found.kind) == (odd.status, odd.kind)
    assert odd.detail in found.detail
    assert {outcomes[toy(name), case_id].status for case_id in HEALTHY} == {"pass"}
