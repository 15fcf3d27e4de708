"""The comparison of tolerance rules: the rules of others are theirs, and each is counted for what it does."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from benchmarks.tolerances import ASSERT_CLOSE, JAX, KERAS, RULES, compare
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.cases.dtypes import DTYPES
from conformance.oracle.expected_output import reference
from tests.support.frameworks import installed_source


def test_the_tolerances_of_torch_are_its_defaults() -> None:
    torch = pytest.importorskip("torch")
    defaults = pytest.importorskip("torch.testing._comparison").default_tolerances
    for dtype, tolerances in ASSERT_CLOSE.items():
        assert tolerances == defaults(getattr(torch, DTYPES[dtype].label))


def test_the_tolerances_of_jax_are_its_defaults() -> None:
    jax_numpy = pytest.importorskip("jax.numpy")
    default = pytest.importorskip("jax._src.public_test_util").default_tolerance()
    assert {dtype: default[np.dtype(getattr(jax_numpy, DTYPES[dtype].label))] for dtype in JAX} == JAX


def test_the_tolerances_of_keras_are_its_defaults() -> None:
    tree = ast.parse(installed_source("keras", "src", "testing", "test_case.py"))
    (check,) = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "assertAllClose")
    given = check.args.args[-len(check.args.defaults) :]
    defaults = {argument.arg: value for argument, value in zip(given, check.args.defaults, strict=True)}
    assert [ast.literal_eval(defaults[name]) for name in ("rtol", "atol")] == [KERAS, KERAS]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32", "f64"])
def test_every_rule_takes_the_exact_values_and_flags_a_far_one_and_a_nan(rule: str, dtype: str) -> None:
    case = Case.parse(f"2d-n2-c4x6-i6x5-k3x4-s2x1-same-{dtype}-b1-normal.0")
    wanted = reference(case, make_tensors(case))["y"]
    values = wanted.exact.copy()
    assert not RULES[rule](case, wanted, values)
    values.flat[7] += 1.0
    assert RULES[rule](case, wanted, values)
    values.flat[7] = np.nan
    assert RULES[rule](case, wanted, values)


def test_the_derived_bound_alone_is_right_about_every_output() -> None:
    found = compare([Case.parse("2d-n2-c4x6-i6x5-k3x4-s2x1-same-f32-b1-normal.0")])
    right = [kind for kind in found if kind.startswith("right")]
    wrong = ["float32 inputs rounded to TF32", "one product lost at one element"]
    assert len(right) == 3
    assert all(found[kind][1]["derived bound"] == 0 < found[kind][0] for kind in right + wrong)
    for other in ("assert_close", "Keras", "JAX"):
        assert sum(found[kind][1][other] for kind in right) > 0
        assert found["float32 inputs rounded to TF32"][1][other] > 0
