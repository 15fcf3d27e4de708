"""What takes input from strangers. A target reads one mutated input; only its own errors may come out."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.adapters.base import Tensor
from conformance.adapters.host import protocol
from conformance.adapters.host.client import Reply
from conformance.adapters.registry import UnknownAdapter, resolve
from conformance.calls import CallError, parse_call
from conformance.cases import Case, CaseError
from conformance.cases.columns import COLUMN_NAMES, columns
from conformance.cases.tiers import load_tier
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import judge
from conformance.reports.formats.junit import write_junit
from conformance.reports.formats.markdown import write_summary
from conformance.reports.gate.assess import assess
from conformance.reports.gate.expectations import ExpectationError, read
from conformance.reports.gate.text import lines, markdown
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.query import Table, WhereError
from conformance.reports.record.statuses import STATUSES, FailKind, StatusName
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.plan import ShardError, read_shard
from tests.hostile import mutate

__all__ = ["TARGETS"]

_CONDITIONS = (
    "stride_max > kernel_min and padding = 'same'",
    "dtype in ('f16', 'bf16') or not (rank = 3)",
    "case_id like '2d-%' and coalesce(output_padding_max, 0) >= stride_min",
    "(select max(rank) from candidates) = rank",
)
_CALLS = (
    "torch.nn.ConvTranspose2d(16, 33, 3, stride=2)",
    "keras.layers.Conv2DTranspose(64, 3, strides=2, padding='same')",
    "jax.lax.conv_transpose(x, w, (2,), 'SAME')",
    "class Net(nn.Module):\n    def __init__(self, c=8):\n        self.up = nn.ConvTranspose2d(c, c // 2, 2)\n"
    "    def forward(self, x):\n        return self.up(x)\nnet = Net()\nnet(torch.ones(1, 8, 3, 3)).backward()",
    "for k in (2, 3):\n    w = np.zeros((k,) * 2 + (8, 3))\n    w[0] = float('inf')\n"
    "    tf.nn.conv2d_transpose(x, w, [1, 8, 8, 8], 2)",
    ">>> x = torch.randn(1, 2, 3, 4).view(-1, 2, 3, 4)[:, None]\n>>> nn.ConvTranspose2d(2, 3, 2)(x)",
    "%5 : Float(1, 3, 8, 8) = onnx::ConvTranspose[group=1, kernel_shape=[2, 2], strides=[2, 2]](%x, %w)",
    'node { input: "x" input: "w" op_type: "ConvTranspose" attribute { name: "strides" ints: 2 ints: 2 } }',
    'layer { type: "Deconvolution" convolution_param { num_output: 21 kernel_size: 64 stride: 32 group: 1 } }',
    "Deconvolution up 1 1 a b 0=32 1=4 3=2 4=1 5=1 6=32768",
)
_ENTRY = """[[expectation]]
finding = "same"
where = "padding = 'same' and stride_max > kernel_min"
kind = ["values", "crash"]
signature = { diagnosis = ["shift", "crop"], axes = ["W"], signal = "SIGABRT", last_line = "Check (failed|ok)" }
versions = { keras = ">=3.8,<3.16" }
environment = { os = "linux", cpu_flags = ["amx_bf16", "!avx2"] }
reason = "the crop is computed from the kernel"
upstream = "https://example.org"
evidence = ["1d-n1-c1x1-i5-k2-s3-d1-g1-same-opauto-cf-f32-b0-ints.0-fwd"]
"""


@lru_cache(maxsize=1)
def _ids() -> list[str]:
    return [str(case) for case in load_tier("smoke")]


def case_ids(chance: random.Random, folder: Path) -> None:
    text = mutate.text(chance, chance.choice(_ids()))
    try:
        case = Case.parse(text)
    except CaseError:
        return
    assert Case.parse(str(case)) == case


@lru_cache(maxsize=1)
def _table() -> Table:
    return Table([columns(Case.parse(case_id)) for case_id in _ids()[:20]], COLUMN_NAMES)


def conditions(chance: random.Random, folder: Path) -> None:
    try:
        met = _table().matching(mutate.text(chance, chance.choice(_CONDITIONS)))
    except WhereError as error:
        if "\n" in str(error):
            raise
        return
    assert len(met) == 20


def calls(chance: random.Random, folder: Path) -> None:
    try:
        parse_call(mutate.text(chance, chance.choice(_CALLS)), input_shape=(2, 16, 5, 7))
    except (CallError, CaseError):
        return


def expectations(chance: random.Random, folder: Path) -> None:
    path = folder / "adapter.toml"
    path.write_text(mutate.text(chance, _ENTRY), encoding="utf-8", errors="surrogatepass")
    try:
        read(path)
    except ExpectationError as error:
        if str(path) not in str(error):
            raise


def names(chance: random.Random, folder: Path) -> None:
    try:
        resolve(mutate.text(chance, chance.choice(["torch", "torch@/usr/bin/python3", "mine.py:Mine"])))
    except UnknownAdapter:
        return


def shards(chance: random.Random, folder: Path) -> None:
    try:
        found = read_shard(mutate.text(chance, "2/3"))
    except ShardError:
        return
    assert found is not None
    assert 1 <= found[0] <= found[1]


_records: list[bytes] = []


def _record(folder: Path) -> bytes:
    if not _records:
        path = folder / "good.sqlite"
        ids = _ids()[:6]
        with Results.create(path) as results:
            results.plan([("a", Case.parse(case_id)) for case_id in ids])
            kinds: list[tuple[StatusName, FailKind | None]] = [
                ("pass", None),
                ("fail", "values"),
                ("crash", None),
                ("unsupported", None),
            ]
            for case_id, (status, kind) in zip(ids, kinds, strict=False):
                diagnosis = Diagnosis(transform="shift", axes=("W",), text="shifted") if kind else None
                results.record(
                    Outcome(case_id, "a", status, kind, profile="fp64", budget=0.1, max_abs_error=0.0,
                            detail="text", diagnosis=diagnosis)
                )  # fmt: skip
            results.set_meta("environments", {"a": {"versions": {"numpy": "2.0"}, "cpu_flags": []}})
            results.set_meta("conditions", {})
        _records.append(path.read_bytes())
    return _records[0]


def _read_all(path: Path, folder: Path) -> None:
    try:
        with Results.open(path) as results:
            gate = assess(results, {}, results, ("exact", "fp64"))
            lines(gate, results.cases())
            markdown(gate, results.cases())
            write_summary(results, folder / "summary.md", gate)
            write_junit(results, gate, folder / "junit.xml")
    except ResultsError as error:
        if str(path) not in str(error):
            raise


def results_bytes(chance: random.Random, folder: Path) -> None:
    path = folder / "r.sqlite"
    path.write_bytes(mutate.data(chance, _record(folder)))
    _read_all(path, folder)


def results_values(chance: random.Random, folder: Path) -> None:
    path = folder / "r.sqlite"
    path.write_bytes(_record(folder))
    connection = sqlite3.connect(path)
    for _ in range(chance.randint(1, 3)):
        table = chance.choice(["meta", "outcomes", "cases", "plan"])
        column = chance.choice([row[1] for row in connection.execute(f"PRAGMA table_info({table})")])
        row = chance.randrange(4)
        try:
            one = f"SELECT {column} FROM {table} LIMIT 1 OFFSET {row}"
            new = mutate.value(chance)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} IN ({one})", (new,))
        except (sqlite3.Error, UnicodeEncodeError):
            continue
    connection.commit()
    connection.close()
    _read_all(path, folder)


@lru_cache(maxsize=1)
def _message() -> bytes:
    return protocol.pack(
        {"reply": "answer", "dtypes": {"y": "f32"}}, {"y": np.ones((2, 3), "<f4"), "n": np.ones(0)}
    )


def messages(chance: random.Random, folder: Path) -> None:
    stream = iter([mutate.data(chance, _message())])
    left = next(stream)

    def take(count: int) -> bytes:
        nonlocal left
        if count > len(left):
            raise EOFError  # the process went away
        taken, left = left[:count], left[count:]
        return taken

    try:
        _, arrays = protocol.unpack(take)
    except (protocol.WireError, EOFError):
        return
    assert all(array.dtype.kind in "biufc" for array in arrays.values())


@lru_cache(maxsize=32)
def _with_tensors(case_id: str) -> tuple[Case, dict[str, np.ndarray]]:
    case = Case.parse(case_id)
    return case, input_tensors(case)


def replies(chance: random.Random, folder: Path) -> None:
    case, tensors = _with_tensors(chance.choice(_ids()[:32]))
    names = ("y",) if case.direction == "fwd" else ("dx", "dw", "db")
    shape = tensors.get("dy", next(iter(tensors.values()))).shape
    given: dict[str, Any] = {name: mutate.array(chance, np.ones(shape)) for name in names if chance.random() < 0.9}
    try:
        packed = protocol.pack({"reply": "answer"}, given)
    except (protocol.WireError, ValueError, TypeError):
        assert not all(np.asarray(array).dtype.kind in "biufc" for array in given.values())
        return
    parts = memoryview(packed)
    place = 0

    def take(count: int) -> bytes:
        nonlocal place
        place += count
        return bytes(parts[place - count : place])

    _, arrays = protocol.unpack(take)
    dtype = chance.choice([case.dtype, "f64", "object", "<b>"])
    reply = Reply("answer", {name: Tensor(array, dtype) for name, array in arrays.items()})
    verdict = judge(case, tensors, reply)
    assert verdict.status in STATUSES


Target = Callable[[random.Random, Path], None]

TARGETS: dict[Target, int] = {
    case_ids: 25,
    conditions: 20,
    calls: 5,
    expectations: 5,
    names: 5,
    shards: 10,
    results_bytes: 2,
    results_values: 3,
    messages: 20,
    replies: 5,
}
"""Every target, and its share of the inputs in per cent."""


def inputs(total: int, seed: int) -> Iterator[tuple[Target, random.Random]]:
    """Targets in their shares, each time with numbers of its own."""
    for target, share in TARGETS.items():
        for number in range(max(total * share // 100, 1)):
            yield target, random.Random(f"{seed} {target.__name__} {number}")
