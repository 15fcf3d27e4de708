"""Expectations: discrepancies that are known, each with a reason, in one TOML file an adapter.

An entry looks like this; ``finding``, ``where``, ``kind`` and ``reason`` are required::

    [[expectation]]
    finding = "same-off-by-one"                        # short name, once a file
    where = "padding = 'same' and stride_max > kernel_min"
    kind = "values"                                    # a kind of failure, crash or timeout; or a list of them
    signature = { diagnosis = "shift", axes = ["W"] }  # what the output is; see reports/gate/signature.py
    versions = { keras = ">=3.8,<3.16" }               # PEP 440 ranges; without one, every version
    environment = { os = "linux", cpu_flags = ["amx_bf16", "!avx512_fp16"] }   # "!" for a flag that is absent
    # or facts, of which each must have the value: environment = { facts = { "tensorflow.onednn" = false } }
    reason = "the crop is computed from the kernel instead of the effective kernel"
    upstream = "https://github.com/keras-team/keras/issues/..."
    evidence = ["1d-n1-c1x1-i5-k2-s3-d2-g1-same-opauto-cf-f32-b0-ints.0-fwd"]  # cases that show it
    intermittent = true                                # its cases pass at times, as where memory is left unwritten

``where`` is a condition over the columns of a case and of an outcome (see `conformance.reports.record.query`), and
over facts of the machine (see `conformance.reports.record.fact_columns`). An entry whose environment or facts do
not hold is for another machine, and plays no part. Whether an entry is stale is judged by its evidence if it has
any, and else by the cases its condition names; a condition over columns of an outcome, which say nothing once the
answer is right, needs evidence. An intermittent one is never stale.

An outcome that meets condition and kind but has another signature is not known. The suite's own entries all have a
signature; one of a user's without it takes every outcome of its kind, and the gate says so.

Implementations that compute with another one share its findings. A file names those before its own entries::

    [shared]
    jax-lax = ["dilating-an-empty-axis"]               # entries of jax-lax.toml in the same folder
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from conformance.cases.case import Case
from conformance.cases.columns import COLUMN_NAMES
from conformance.cases.errors import CaseError
from conformance.reports.gate.signature import Signature
from conformance.reports.gate.signature import parse as parse_signature
from conformance.reports.record.adapter_names import plain_name as adapter_alone
from conformance.reports.record.fact_columns import fact_columns_in
from conformance.reports.record.outcome import OUTCOME_COLUMNS, Outcome
from conformance.reports.record.query import WhereError, columns_read
from conformance.reports.record.statuses import FAIL_KINDS

__all__ = [
    "BUILT_IN",
    "CONDITION_COLUMNS",
    "Expectation",
    "ExpectationError",
    "load",
    "load_all",
    "plain_name",
    "read",
]

BUILT_IN = Path(__file__).resolve().parents[2] / "cases" / "expectations"
CONDITION_COLUMNS = (*COLUMN_NAMES, *OUTCOME_COLUMNS)
"""What ``where`` can name."""

_KINDS = (*FAIL_KINDS, "crash", "timeout")
_OPERATING_SYSTEMS = ("linux", "macos", "windows")
_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*expectation[ \t]*\]\]", re.MULTILINE)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MAX_BYTES = 4 * 2**20


class ExpectationError(ValueError):
    """An expectation file that is not understood; the message names file, line and what is accepted."""


@dataclass(frozen=True)
class Expectation:
    """One known finding of one adapter.

    Attributes
    ----------
    finding : str
        Short name.
    where : str
        Condition that says which outcomes it is about.
    kinds : tuple of str
        How they fail: names in ``FAIL_KINDS``, ``crash`` or ``timeout``.
    reason, upstream : str
        Why it is so, and where it was reported.
    evidence : tuple of str
        Full ids of cases that show it.
    versions : mapping of SpecifierSet
        Ranges by distribution.
    environment : mapping
        ``os``, ``cpu_flags`` and ``facts`` it needs.
    path : Path
        The file.
    lines : tuple of int
        First and last line of the entry there, counted from 1.
    case_columns_only : bool
        Whether the condition reads columns of the case, and facts, alone.
    intermittent : bool
        Whether its cases pass at times.
    signature : Signature or None
        What the output is; None for whatever it is.
    """

    finding: str
    where: str
    kinds: tuple[str, ...]
    reason: str
    upstream: str
    evidence: tuple[str, ...]
    versions: Mapping[str, SpecifierSet]
    environment: Mapping[str, Any]
    path: Path
    lines: tuple[int, int]
    case_columns_only: bool
    intermittent: bool = False
    signature: Signature | None = None

    @property
    def place(self) -> str:
        """The lines of the entry, such as ``torch.toml:12-20``."""
        return f"{self.path}:{self.lines[0]}-{self.lines[1]}"

    @property
    def holds_for(self) -> str:
        """The versions it is about, such as ``onnx >=1.17``; empty for every version."""
        return ", ".join(f"{package} {allowed}" for package, allowed in self.versions.items())

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` is the inverse."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        ranges = {package: str(allowed) for package, allowed in self.versions.items()}
        signature = self.signature.to_json() if self.signature else None
        return {**plain, "versions": ranges, "path": str(self.path), "signature": signature}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Expectation:
        """Read what `to_json` wrote, also after a way through JSON text."""
        tuples = {name: tuple(data[name]) for name in ("kinds", "evidence", "lines")}
        read = {"path": Path(data["path"]), "signature": parse_signature(data.get("signature"))}
        return cls(**{**data, **tuples, "versions": _ranges(data["versions"]), **read})

    def recognises(self, outcome: Outcome) -> bool:
        """Whether an outcome that meets the condition is the failure that this is about, and no other."""
        return self.signature is None or self.signature.matches(outcome)

    def applies(self, environment: Mapping[str, Any]) -> bool:
        """Whether it is about an environment as `conformance.adapters.environment.describe` records it."""
        installed = environment.get("versions", {})
        try:
            fits = all(
                package in installed and allowed.contains(installed[package], prereleases=True)
                for package, allowed in self.versions.items()
            )
        except InvalidVersion:
            return False
        flags = set(environment.get("cpu_flags", ()))
        wanted = self.environment.get("cpu_flags", ())
        measured = environment.get("facts") or {}
        return (
            fits
            and all((flag[1:] not in flags) if flag.startswith("!") else (flag in flags) for flag in wanted)
            and self.environment.get("os", "") in ("", _operating_system(environment))
            and all(measured.get(name) == value for name, value in self.environment.get("facts", {}).items())
        )


def _operating_system(environment: Mapping[str, Any]) -> str:
    return str(environment.get("platform", "")).partition("-")[0].lower().replace("darwin", "macos")


def plain_name(adapter: str) -> str:
    """The name an adapter's file has: the class alone of ``file.py:Class``, without machine and interpreter."""
    return adapter_alone(adapter).rpartition(":")[2]


def load(adapter: str, folders: Iterable[Path] = (BUILT_IN,)) -> list[Expectation]:
    """Read the expectations of an adapter.

    Parameters
    ----------
    adapter : str
        Its name as on the command line.
    folders : iterable of Path
        Where files are looked for; those that are not there are left out.

    Raises
    ------
    ExpectationError
        A file is malformed.
    """
    name = plain_name(adapter)
    if not _FILE_NAME.fullmatch(name):
        return []
    paths = [folder / f"{name}.toml" for folder in folders]
    return [entry for path in paths if path.is_file() for entry in read(path)]


def read(path: Path) -> list[Expectation]:
    """Read one file, what it shares with others included; see `load`."""
    document, found = _parse(path)
    shared = document.pop("shared", {})
    if document:
        keys = f"unknown key {next(iter(document))!r}; a file holds [shared] and [[expectation]] only"
        raise ExpectationError(f"{path}: {keys}")
    entries = [*_shared(path, shared), *found]
    names = [entry.finding for entry in entries]
    for entry in found:
        if names.count(entry.finding) > 1:
            raise ExpectationError(f"{entry.place}: finding {entry.finding!r} is there twice")
    return entries


def _shared(path: Path, shared: Any) -> list[Expectation]:
    """The entries of other files of the folder that a file names."""
    if not isinstance(shared, dict):
        raise ExpectationError(f"{path}: write [shared], with a list of findings for each adapter")
    entries = []
    lines = path.read_text(encoding="utf-8").split("\n")
    for adapter, named in shared.items():
        source = path.parent / f"{adapter}.toml"
        if not _FILE_NAME.fullmatch(adapter) or source == path or not source.is_file():
            raise ExpectationError(f"{path}: shared: there is no other file {adapter}.toml")
        own = {entry.finding: entry for entry in _parse(source)[1]}
        for finding in named if isinstance(named, list) else [named]:
            if not isinstance(finding, str) or finding not in own:
                raise ExpectationError(f"{path}: shared: {source.name} has no finding {finding!r}")
            # What is wrong with it here is mended where it is named.
            line = next(number for number, text in enumerate(lines, 1) if finding in text)
            entries.append(replace(own[finding], path=path, lines=(line, line)))
    return entries


def _parse(path: Path) -> tuple[dict[str, Any], list[Expectation]]:
    """The entries that lie in one file, and what else is in it."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ExpectationError(f"{path}: larger than {_MAX_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ExpectationError(f"{path}: {error}") from None
    entries = document.pop("expectation", [])
    if not isinstance(entries, list):
        raise ExpectationError(f"{path}: write [[expectation]], in double brackets")
    spans = _spans(text)
    if len(spans) != len(entries):
        raise ExpectationError(f"{path}: every entry begins with a line [[expectation]], and no text holds one")
    return document, [_entry(path, span, values) for span, values in zip(spans, entries, strict=True)]


def _spans(text: str) -> list[tuple[int, int]]:
    """First and last line of every entry; comments and blank lines before the next entry are not its own."""
    lines = text.split("\n")
    starts = [text.count("\n", 0, match.start()) for match in _ENTRY.finditer(text)]
    spans = []
    for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
        last = end - 1
        while last > start and (not lines[last].strip() or lines[last].lstrip().startswith("#")):
            last -= 1
        spans.append((start + 1, last + 1))
    return spans


def _entry(path: Path, lines: tuple[int, int], values: dict[str, Any]) -> Expectation:
    try:
        return _checked(path, lines, dict(values))
    except (ValueError, CaseError) as error:
        raise ExpectationError(f"{path}:{lines[0]}: {error}") from None


def _checked(path: Path, lines: tuple[int, int], values: dict[str, Any]) -> Expectation:
    """Make an entry; ValueError says what is wrong with it."""
    finding, where, reason = (_text(values, name) for name in ("finding", "where", "reason"))
    upstream = _text(values, "upstream", "")
    kinds = _texts(values, "kind", required=True)
    evidence = tuple(str(Case.parse(case_id)) for case_id in _texts(values, "evidence"))
    versions = _table(values, "versions")
    environment = _table(values, "environment")
    signature = parse_signature(values.pop("signature", None))
    if signature is None and path.resolve().parent == BUILT_IN:
        raise ValueError('signature is missing: say what the output is, as in signature = { diagnosis = "shift" }')
    intermittent = values.pop("intermittent", False)
    if not isinstance(intermittent, bool):
        raise ValueError("intermittent is true or false")
    if values:
        raise ValueError(f"unknown key {next(iter(values))!r}")
    for kind in kinds:
        if kind not in _KINDS:
            raise ValueError(f"unknown kind {kind!r}; known are {', '.join(_KINDS)}")
    try:
        facts = fact_columns_in(where)
        read_columns = columns_read(where, (*CONDITION_COLUMNS, *facts))
    except WhereError as error:
        raise ValueError(f"where: {error}") from None
    case_columns_only = read_columns <= {*COLUMN_NAMES, *facts}
    if not case_columns_only and not evidence:
        named = ", ".join(sorted(read_columns.difference(COLUMN_NAMES, facts)))
        raise ValueError(
            f"where reads columns of an outcome ({named}), so evidence must name a case that shows it"
        )
    return Expectation(
        finding, where, kinds, reason, upstream, evidence, _ranges(versions), _needs(environment), path, lines,
        case_columns_only, intermittent, signature,
    )  # fmt: skip


def _text(values: dict[str, Any], name: str, default: str | None = None) -> str:
    value = values.pop(name, default)
    if value is None:
        raise ValueError(f"{name} is missing")
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise ValueError(f"{name} is a text that is not empty")
    return value


def _texts(values: dict[str, Any], name: str, *, required: bool = False) -> tuple[str, ...]:
    value = values.pop(name, None)
    found = [value] if isinstance(value, str) else value if value is not None else []
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found) or (required and not found):
        raise ValueError(f"{name} is a text or a list of texts")
    return tuple(found)


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    value = values.pop(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} is a table, as in {name} = {{ ... }}")
    return value


def _ranges(table: dict[str, Any]) -> dict[str, SpecifierSet]:
    ranges = {}
    for package, text in table.items():
        try:
            ranges[package] = SpecifierSet(text)
        except (InvalidSpecifier, AttributeError, TypeError):
            raise ValueError(f"versions: {text!r} is no PEP 440 range, such as '>=2.4,<2.14'") from None
    return ranges


def _needs(table: dict[str, Any]) -> dict[str, Any]:
    left = dict(table)
    flags = _texts(left, "cpu_flags")
    system = left.pop("os", "")
    facts = _table(left, "facts")
    if left:
        raise ValueError(f"environment: unknown key {next(iter(left))!r}; known are os, cpu_flags and facts")
    for name, value in facts.items():
        if not isinstance(value, bool | int | str):
            raise ValueError(f"environment: fact {name} must be true, false, a whole number or a string")
    if system not in ("", *_OPERATING_SYSTEMS):
        raise ValueError(f"environment: unknown os {system!r}; known are {', '.join(_OPERATING_SYSTEMS)}")
    return {"os": system, "cpu_flags": flags, "facts": facts}


def load_all(adapters: Iterable[str], folders: Sequence[Path] = (BUILT_IN,)) -> dict[str, list[Expectation]]:
    """`load` for several adapters, by name."""
    return {adapter: load(adapter, folders) for adapter in adapters}
