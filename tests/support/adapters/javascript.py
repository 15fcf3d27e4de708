"""Adapters whose programs are JavaScript and need no package; the kernel has one tap, whose factor ``w`` holds."""

from __future__ import annotations

from conformance.adapters.base import DocumentedRefusal, Limit, Program
from conformance.adapters.node.adapter import NodeAdapter
from conformance.cases.case import Case

_RIGHT = "const y = { data: x.data.map((value) => value * w.data[0]), shape: x.shape };"
# What a program does, by the seed of the case.
BODIES = {
    0: _RIGHT,
    1: 'throw new Error("out of luck");',
    2: "new WebAssembly.Instance(new WebAssembly.Module(Buffer.from("
    '"AGFzbQEAAAABBAFgAAADAgEABwUBAWYAAAoFAQMAAAs=", "base64"))).exports.f();',
    3: "process.exit(3);",
    4: "for (;;);",
    5: "const y = ;",
    6: "const y = missing;",
    7: "const y = { data: x.data, shape: [2, ...x.shape] };",
    8: "const y = { data: x.data.map(() => Math.random()), shape: x.shape };",
    9: f"{_RIGHT} x.data.fill(0); w.data.fill(0);",
    10: 'const y = { data: ["one"], shape: [1] };',
    11: "const y = { data: new Float64Array(x.data), shape: x.shape };",
    12: f'console.error("said by seed 12"); {_RIGHT} process.abort();',
    13: 'throw new Error("not on this machine");',
}


class JavaScript(NodeAdapter):
    """Does what its case's seed says."""

    name = "javascript"
    packages = ()
    documentation = "https://example.org/javascript"
    limits = (Limit("unsupported", "dilation", lambda case: max(case.dilation) > 1, "no dilation", documentation),)
    refusals = (DocumentedRefusal("data", "not on this machine", "no such machine", documentation),)

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program(('const path = require("node:path");',), (BODIES[case.seed],))

    def model_program(self, case: Case) -> tuple[str, Program]:
        """Three bytes."""
        return ".bin", Program((), ("const model = { data: Uint8Array.of(1, 2, w.shape.length), shape: [3] };",))


class Hostless(JavaScript):
    """Its host is not installed."""

    name = "hostless"

    def host_command(self) -> tuple[str, ...]:
        """A program that does not exist."""
        return ("/no/such/host",)
