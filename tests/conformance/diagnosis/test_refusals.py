"""The cause of a refusal is found by running plainer cases, and by the message where that does not decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.diagnosis import Diagnosis
from conformance.diagnosis.refusals import diagnose_refusal
from conformance.execution.check import run_case
from tests.support.diagnosing import diagnosis_of
from tests.support.frameworks import requires
from tests.support.planted import Planted, forward, gradients

ECHO = """ValueError: Exception encountered when calling Conv2DTranspose.call().

{message} [Op:Conv2DBackpropInput]

Arguments received by Conv2DTranspose.call():
  • inputs=tf.Tensor(shape=(1, 1, 5, 7), dtype=float32), strides=(2, 2), dilation_rate=1"""


def refusing(*reasons: tuple[Callable[[Case], bool], str]) -> Planted:
    """Refuses what meets a condition, with its message; the first that applies."""

    def compute(case: Case, tensors: Any) -> Any:
        for applies, message in reasons:
            if applies(case):
                raise ValueError(message)
        return {"y": forward(case, tensors)} if case.direction == "fwd" else gradients(case, tensors)

    return Planted(compute)


def layout_refused(case: Case) -> bool:
    return case.layout == "channels_first"


def dilated(case: Case) -> bool:
    return max(case.dilation) > 1


def found_in(case: str, host: Planted) -> Diagnosis:
    found = diagnosis_of(case, host)
    assert found is not None
    assert (found.transform, found.axes) == ("rejected", ())
    return found


def test_a_refusal_names_the_parameter_and_what_would_help() -> None:
    message = "atrous convolutions with these arguments are not supported"
    found = found_in("2d-i4-k3-s2-d2-p1-b1", refusing((lambda case: dilated(case) and case.bias, message)))
    assert found.argument == "dilation"
    assert found.relief == ("with dilation 1", "without bias")
    assert found.text == "refused: not implemented, about dilation; accepted with dilation 1 or without bias"


NHWC = "Conv2DCustomBackpropInputOp only supports NHWC."
NO_DILATION = "Current CPU implementations do not yet support dilation rates larger than 1."


@pytest.mark.parametrize("layout", ["cf", "cl"])
def test_the_other_layout_is_run_in_both_directions(layout: str) -> None:
    taken = "channels_last" if layout == "cf" else "channels_first"
    found = found_in(f"2d-i4x5-k3-s2-{layout}", refusing((lambda case: case.layout != taken, "not for this one")))
    assert (found.argument, found.relief) == ("layout", (f"with {taken}",))
    assert "about the layout" in found.text


@pytest.mark.parametrize("name", ["NHWC", "NDHWC", "NWC", "channels_last", "data_format"])
def test_words_for_a_layout_are_about_the_layout(name: str) -> None:
    found = diagnose_refusal(Case.parse("2d-i4x5-k3-s2"), f"InvalidArgumentError: only supports {name} here", None)
    assert found.argument == "layout"


@pytest.mark.parametrize(
    "case",
    [
        "2d-i4x5-k3-s2-same",
        "2d-i4x5-k3-s2-d2-p1-f16",
        "1d-n2-c4x6-i4-k2-s2-g2-valid-op1-bf16-b1",
        "3d-i3-k2-b1-grad",
        "2d-i4x5-k3-d3-f64-b1",
    ],
)
def test_one_refusal_has_one_name_whatever_case_is_run(case: str) -> None:
    host = refusing((layout_refused, ECHO.format(message=NHWC)), (dilated, NO_DILATION))
    found = found_in(case, host)
    assert found.argument == "layout"
    assert "about the layout; accepted with channels_last" in found.text


def test_where_two_refusals_meet_the_plainer_case_that_is_accepted_is_named() -> None:
    host = refusing((layout_refused, NHWC), (dilated, NO_DILATION))
    found = found_in("2d-i4x5-k3-d2-b1", host)
    assert (found.argument, found.relief) == ("layout", ())
    plainer = found.text.partition("accepted with channels_last in ")[2]
    assert Case.parse(plainer).dilation == (1, 1)


def test_what_is_declined_or_wrong_is_not_accepted() -> None:
    host = refusing((layout_refused, NHWC))
    run = host.run

    def declines_stride_one(case: Case, tensors: Any) -> Reply:
        if max(case.stride) == 1:
            return Reply("unsupported", detail="output_padding must be lower than the stride")
        reply = run(case, tensors)
        if case.layout == "channels_first" or not case.bias:
            return reply
        return Reply("answer", {}, promise="exact")

    host.run = declines_stride_one  # type: ignore[method-assign]
    found = found_in("1d-c3x2-i4-k2-s2-valid-op1-bf16", host)
    assert (found.argument, found.relief) == ("layout", ("with channels_last",))
    found = found_in("1d-c3x2-i4-k2-s2-valid-op1-b1", host)
    assert (found.argument, found.relief) == ("layout", ())


def test_an_echo_of_the_arguments_says_nothing() -> None:
    found = diagnose_refusal(Case.parse("2d-i4-k3-s2-d2"), ECHO.format(message="No algorithm worked."), None)
    assert found.argument == ""
    assert found.text.startswith("refused: ValueError: Exception encountered when calling")
    assert "No algorithm worked." in found.text
    assert "dtype" not in found.text


def test_a_word_in_the_name_of_a_function_says_nothing() -> None:
    message = (
        "TypeError: lax.conv_general_dilated requires arguments to have the same dtypes, got float32, float64."
    )
    host = refusing((lambda case: case.dtype == "f64", message))
    for case in ("2d-i4-k3-s2-f64", "2d-i4-k3-d2-p1-f64-b1"):
        found = found_in(case, host)
        assert (found.argument, found.relief) == ("dtype", ("in float32",))


def test_the_experiment_overrules_the_message() -> None:
    found = found_in("2d-c4x4-i4-k3-s2-g2", refusing((lambda case: case.groups > 1, "too many channels")))
    assert (found.argument, found.relief) == ("groups", ("with groups 1",))


@pytest.mark.parametrize("case", ["2d-i4-k3-s2-p1", "2d-i4-k3-d2-p1", "2d-i4-k3", "2d-i4-k3-p1"])
def test_where_nothing_decides_the_text_says_what_the_message_says(case: str) -> None:
    always = refusing((lambda case: True, "dilations, strides or pads of this operation are not understood"))
    found = found_in(case, always)
    assert found.argument == "dilation+stride+padding"
    assert found.text == "refused: an error; the message names dilation, stride and padding"


def test_a_message_that_names_nothing_is_repeated() -> None:
    found = found_in("2d-i4-k3-s2", refusing((lambda case: True, "computer says no")))
    assert (found.argument, found.text) == ("", "refused: ValueError: computer says no")


def test_crashes_on_the_way_end_the_experiment() -> None:
    class Crashes:
        calls = 0

        def run(self, case: Case, tensors: Any) -> Reply:
            self.calls += 1
            return Reply("crash", detail="SIGSEGV")

    host = Crashes()
    case = Case.parse("3d-n2-c4x4-i3-k2-s2-d2-g2-p1-op1-cl-f16-b1-grad")
    found = diagnose_refusal(case, "ValueError: no", host)  # type: ignore[arg-type]
    assert found.argument == ""
    assert host.calls == 2


@requires("keras-numpy")
def test_keras_on_numpy_refuses_the_dtype() -> None:
    with AdapterProcess(resolve("keras-numpy")) as host:
        for case in ("2d-i4x5-k3-s2-valid-f64", "1d-i4-k3-d2-valid-f64-b1"):
            outcome = run_case(Case.parse(case), host)
            if outcome.status == "pass":
                pytest.skip("this release of Keras takes float64")
            assert outcome.diagnosis is not None
            assert outcome.diagnosis.argument == "dtype", outcome


@requires("tf-nn-eigen")
@pytest.mark.parametrize(
    ("case", "argument"),
    [("2d-i5x7-k3-s2-same", "layout"), ("3d-i3x4x2-k2-s2-d2-f64-b1", "layout"), ("1d-i3-k2-d2-cl", "dilation")],
)
def test_the_messages_of_tensorflows_own_kernels(case: str, argument: str) -> None:
    parsed = Case.parse(case)
    with AdapterProcess(resolve("tf-nn-eigen")) as host:
        reply = host.run(parsed, make_tensors(parsed), beyond_limits=True)
        found = diagnose_refusal(parsed, reply.detail, host)
    assert found.argument == argument, found
