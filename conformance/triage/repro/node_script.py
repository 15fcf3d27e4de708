"""The standalone script of one outcome in JavaScript, for adapters whose programs run in Node.

It has the exit codes of a script in Python: 1 while the outcome is there, 0 once it is fixed.
"""

from __future__ import annotations

import base64
import textwrap
import zlib
from collections.abc import Iterable, Mapping

import numpy as np

from conformance.adapters.node import npm
from conformance.adapters.registry import load
from conformance.cases import DomainError
from conformance.cases.dtypes import round_to
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.expected_output import input_tensors, judged_bit_by_bit, reference
from conformance.reports.record.statuses import label
from conformance.triage.repro.comparison import NO_OUTPUT
from conformance.triage.repro.data import LITERAL_SIZE
from conformance.triage.repro.observation import Observation

__all__ = ["build_node_script"]

_PATIENCE_MS = 60_000
_UNPACK = """
const zlib = require("node:zlib");
const unpack = (text, Kind) => new Kind(new Uint8Array(zlib.inflateSync(Buffer.from(text, "base64"))).buffer);
""".strip().splitlines()
_COMPARE = """
let wrong = 0;
for (const [name, { data, shape, tolerance }] of Object.entries(expected)) {
  console.log(name, "expected", shape, data, "got", got[name].shape, got[name].data);
  const near = (value, at) => Object.is(value, data[at]) || Math.abs(value - data[at]) <= (tolerance?.[at] ?? 0);
  wrong += `${got[name].shape}` !== `${shape}` || !got[name].data.every(near);
}
process.exitCode = wrong ? 1 : 0;
""".strip().splitlines()
Arrays = Mapping[str, np.ndarray]


def build_node_script(observed: Observation) -> str:
    """Write the script; it is CommonJS."""
    earlier = [
        line
        for call in observed.before
        for line in [
            f"{{ // {call.case}",
            *_indented([*call.program.setup, *_tensor_lines(input_tensors(call.case)), *call.program.body]),
            "}",
        ]
    ]
    try:
        observed.case.geometry()
    except DomainError as error:
        child, judged = _in_a_child(1), _refusal(observed, error)
    else:
        child = _in_a_child(0) if observed.outcome.status in NO_OUTPUT else []
        judged = _judged(observed)
    body = [*earlier, *observed.setup, "", *_tensor_lines(observed.tensors), *judged]
    lines = [
        *_header(observed),
        *(_UNPACK if any("unpack(" in line for line in body) else []),
        *child,
        "async function main() {",
        *_indented(body),
        "}",
        "",
        "main();",
    ]
    return "\n".join(lines) + "\n"


def _header(observed: Observation) -> list[str]:
    versions = observed.environment.get("versions", {})
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    what = label(observed.outcome.status, observed.outcome.kind)
    now, later = (1, 0) if observed.outcome.gates else (0, 1)
    packages = load(observed.spec.target).packages
    wanted = [f"{n.removeprefix(npm.PREFIX)}@{versions.get(n) or npm.pinned().get(n, 'latest')}" for n in packages]
    return [
        f"// {observed.case}",
        f"// {shown or observed.spec.name}: {what}. Exits with {now} while that is so, else with {later}.",
        f"// In a folder after: npm install --ignore-scripts {' '.join(wanted)}",
    ]


def _indented(lines: Iterable[str]) -> list[str]:
    return textwrap.indent("\n".join(lines), "  ").splitlines()


def _in_a_child(right: int) -> list[str]:
    """Return lines that run the rest in a child and check its exit code."""
    wanted = "an error, exit code 1" if right else "exit code 0"
    return [
        'if (process.argv[2] !== "child") { // the call may kill its process',
        '  const { spawnSync } = require("node:child_process");',
        f'  const options = {{ stdio: "inherit", timeout: {_PATIENCE_MS} }};',
        '  const { status, signal } = spawnSync(process.execPath, [__filename, "child"], options);',
        f'  console.log("expected {wanted}; got", status ?? signal);',
        f"  process.exit(status === {right} ? 0 : 1);",
        "}",
        "",
    ]


def _refusal(observed: Observation, error: DomainError) -> list[str]:
    return [
        f"// {error.rule}: {error.reason}, so the arguments are invalid, and an error is right.",
        *observed.body,
        f'console.log("expected an error, got numbers of shape", {observed.names[0]}.shape);',
    ]


def _judged(observed: Observation) -> list[str]:
    """Return the lines from the tensors to the exit code."""
    outputs = f"{{ {', '.join(observed.names)} }}"
    if observed.outcome.kind == "nondeterministic":
        run = [*observed.body, f"outputs.push(JSON.stringify({outputs}));"]
        return [
            "const outputs = [];",
            "for (let count = 0; count < 2; count += 1) {",
            *_indented(run),
            "}",
            'console.log("expected the same output twice, got", outputs);',
            "process.exitCode = outputs[0] === outputs[1] ? 0 : 1;",
        ]
    if observed.outcome.kind == "inputs":
        return [
            f"const given = {{ {', '.join(observed.tensors)} }};",
            "const before = JSON.stringify(given);",
            *observed.body,
            'console.log("expected", before, "got", JSON.stringify(given));',
            "process.exitCode = JSON.stringify(given) === before ? 0 : 1;",
        ]
    if observed.outcome.status in NO_OUTPUT:
        return [*observed.body, f'console.log("got an output of shape", {observed.names[0]}.shape);']
    return ["const expected = {", *_expected(observed), "};", *observed.body, f"const got = {outputs};", *_COMPARE]


def _expected(observed: Observation) -> list[str]:
    """Return one entry per output: rounded numbers where they are exact, else with the tolerance of each."""
    case, profile = observed.case, PROFILES.get(observed.promise)
    exact = judged_bit_by_bit(case, observed.promise) and observed.outcome.kind != "precision"
    entries = []
    for name, right in reference(case, observed.tensors).items():
        if exact or profile is None:
            text = _tensor(round_to(case.format, right.exact))
        else:
            allowed = np.asarray(tolerance(right, case.format, profile))
            text = f"{_tensor(right.exact).removesuffix(' }')}, tolerance: {_numbers(allowed)} }}"
        entries.append(f"  {name}: {text},")
    return entries


def _tensor_lines(tensors: Arrays) -> list[str]:
    return [f"const {name} = {_tensor(array)};" for name, array in tensors.items()]


def _tensor(array: np.ndarray) -> str:
    return f"{{ data: {_numbers(array)}, shape: [{', '.join(map(str, array.shape))}] }}"


def _numbers(array: np.ndarray) -> str:
    """Return a typed array with the same bits: numbers that people can read, or packed bytes for many."""
    kind = {"float32": "Float32Array", "float64": "Float64Array"}[str(array.dtype)]
    if array.size > LITERAL_SIZE:
        packed = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
        return f'unpack("{packed}", {kind})'
    return f"{kind}.of({', '.join(_number(value) for value in array.ravel())})"


def _number(value: np.floating) -> str:
    text = np.format_float_positional(value, trim="-") if 1e-6 < abs(value) < 1e9 or value == 0 else str(value)
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)
