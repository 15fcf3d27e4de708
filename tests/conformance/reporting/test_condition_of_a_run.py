"""From a run to an expectation: the condition that the run confirmed is the one that `accept` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.reports.record.store import Results
from conformance.reports.summary.survey import survey
from tests.support.command import conformance, toy

ADAPTER = toy("SameSwapped")
pytestmark = pytest.mark.xdist_group("condition of a run")

CONDITION = "axes_crop_uneven > 0 and padding = 'same'"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    where = "rank < 3 and dtype = 'f32' and kernel_max < 5 and data = 'ints'"
    done = conformance("run", "--adapter", ADAPTER, "--tier", "smoke", "--where", where, "--out", str(folder))
    assert done.returncode == 1, done.stdout + done.stderr
    return folder / "results.sqlite"


def test_a_run_confirms_the_condition_of_what_it_found(record: Path) -> None:
    with Results.open(record) as results:
        (condition,) = results.meta()["conditions"].values()
        (finding,) = survey(results).groups
    assert (condition["sql"], condition["exact"]) == (CONDITION, True)
    assert "the crop is (" in finding.title


def test_accept_writes_the_condition_of_the_run(record: Path, tmp_path: Path) -> None:
    done = conformance("accept", str(record), "--reason", "reported upstream", "--expectations", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.glob("*.toml")
    text = written.read_text("utf-8")
    assert f'where = "{CONDITION}"' in text
    assert "no further cases confirmed" not in text
