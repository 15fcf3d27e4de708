"""The search finds a planted fault and shrinks it; it keeps quiet about what is right and what is known."""

from __future__ import annotations

import subprocess
import sys

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.corpus.found import load_found, promote
from conformance.reports.gate.expectations import read
from conformance.triage.fuzz import fuzz
from tests.support.command import toy


def search(name, seconds, **arguments):
    with AdapterProcess(resolve(toy(name))) as host:
        return list(fuzz(host, seconds=seconds, **arguments))


def test_a_flipped_kernel_is_found_and_shrunk():
    with AdapterProcess(resolve(toy("Flipped"))) as host:
        search_for_long = fuzz(host, seconds=300)
        smallest = next(found.smallest for found in search_for_long if found.outcome.kind == "values")
    assert smallest.rank == 1
    assert max(smallest.kernel_size) == 2
    assert smallest.batch == smallest.groups == 1


def test_a_right_implementation_fails_only_where_it_cannot_express_the_case():
    # The toy returns NumPy dtypes, which have no bfloat16, and knows no periodic padding.
    for discovery in search("Right", 5):
        smallest = discovery.smallest
        assert smallest.dtype == "bf16" or str(smallest.padding).startswith("circular"), smallest


def test_what_is_expected_is_not_new(tmp_path):
    path = tmp_path / "Flipped.toml"
    path.write_text("""
[[expectation]]
finding = "flipped"
where = "kernel_max > 1 or dtype = 'bf16' or padding like 'circular%'"
kind = ["values", "gradient", "nonfinite", "dtype"]
reason = "planted"
""")
    assert search("Flipped", 4, expectations=read(path)) == []


def test_promoted_cases_are_kept_once(tmp_path):
    path = tmp_path / "found.txt"
    case = Case.parse("1d-i3-k2")
    assert promote([(case, "torch, fail: values: a # b")], path) == 1
    assert promote([(case, "again"), (Case.parse("1d-i4-k2"), "other")], path) == 1
    assert load_found(path) == [case, Case.parse("1d-i4-k2")]


def test_a_host_needs_no_hypothesis():
    modules = "conformance.adapters.host.server, conformance.cases.tiers, conformance.cases.corpus.found"
    code = f"import sys, {modules}; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
