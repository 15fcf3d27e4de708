"""Expectations: known discrepancies, each with a reason, in one TOML file per adapter.

An entry looks like this; ``finding``, ``where``, ``kind`` and ``reason`` are required::

    [[expectation]]
    finding = "same-off-by-one"                        # short name, unique in the file
    where = "padding = 'same' and stride_max > kernel_min"
    kind = "values"                                    # a kind of failure, crash or timeout; or a list of them
    signature = { diagnosis = "shift", axes = ["W"] }  # what the output is; see reports/gate/signature.py
    versions = { keras = ">=3.8,<3.16" }               # PEP 440 ranges; without one, every version
    environment = { os = "linux", cpu_flags = ["amx_bf16", "!avx512_fp16"] }   # "!" for a flag that is absent
    # or facts, of which each must have the value: environment = { facts = { "tensorflow.onednn" = false } }
    reason = "the crop is computed from the kernel instead of the effective kernel"
    upstream = "https://github.com/keras-team/keras/issues/..."
    evidence = ["1d-n1-c1x1-i5-k2-s3-d2-g1-same-opauto-cf-f32-b0-ints.0-fwd"]  # cases that show it
    intermittent = true                                # its cases sometimes pass, as with uninitialised memory

``where`` is a condition over the columns of a case and of an outcome (see `conformance.reports.record.query`), and
over facts of the machine (see `conformance.reports.record.fact_columns`). An entry whose environment or facts do
not hold is for a different machine and is ignored. Its evidence decides whether an entry is stale, or, without
evidence, the cases that meet its condition. A condition over columns of an outcome needs evidence, since those
columns are empty once the output is right. An intermittent entry is never stale.

An outcome that meets condition and kind but has a different signature is not known. All entries of the suite have
a signature; an entry of a user without one matches every outcome of its kind, and the gate reports that.

An implementation that calls another one shares its findings. A file names those before its own entries::

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
    """A malformed expectation file; the message names the file, the line and what is accepted."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One known finding of one adapter.

    Attributes
    ----------
    finding : str
        Short name.
    where : str
        Condition that selects the outcomes it is about.
    kinds : tuple of str
        How they fail: names in ``FAIL_KINDS``, ``crash`` or ``timeout``.
    reason, upstream : str
        Why the outcomes fail, and where it was reported.
    evidence : tuple of str
        Full ids of cases that show it.
    versions : mapping of SpecifierSet
        Ranges by distribution.
    environment : mapping
        The ``os``, ``cpu_flags`` and ``facts`` it needs.
    path : Path
        The file of the entry.
    lines : tuple of int
        First and last line of the entry there, counted from 1.
    case_columns_only : bool
        Whether the condition reads only columns of the case and facts.
    intermittent : bool
        Whether its cases sometimes pass.
    signature : Signature or None
        What the output is; None for any output.
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
    def identity(self) -> tuple[str, str]:
        """The place and the finding: several entries of another file can be named on one line."""
        return self.place, self.finding

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
        """Read what `to_json` returned, also after a round trip through JSON text."""
        tuples = {name: tuple(data[name]) for name in ("kinds", "evidence", "lines")}
        read = {"path": Path(data["path"]), "signature": parse_signature(data.get("signature"))}
        return cls(**{**data, **tuples, "versions": _read_ranges(data["versions"]), **read})

    def recognises(self, outcome: Outcome) -> bool:
        """Whether an outcome that meets the condition is the failure that this entry describes."""
        return self.signature is None or self.signature.matches(outcome)

    def applies(self, environment: Mapping[str, Any]) -> bool:
        """Whether it applies to an environment, as `conformance.adapters.environment.describe` records it."""
        installed = environment.get("versions", {})
        try:
            fits = all(
                package in installed and allowed.contains(installed[package], prereleases=True)
                for package, allowed in self.versions.items()
            )
        except InvalidVersion:
            return False
        flags = set(environment.get("cpu_flags", ()))
        needed = self.environment.get("cpu_flags", ())
        measured = environment.get("facts") or {}
        return (
            fits
            and all((flag[1:] not in flags) if flag.startswith("!") else (flag in flags) for flag in needed)
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
        The folders to search; folders without a file for the adapter are ignored.

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
    """Read one file, including the entries that it shares with other files; see `load`."""
    document, own = _parse(path)
    shared = document.pop("shared", {})
    if document:
        keys = f"unknown key {next(iter(document))!r}; a file holds [shared] and [[expectation]] only"
        raise ExpectationError(f"{path}: {keys}")
    entries = [*_read_shared(path, shared), *own]
    names = [entry.finding for entry in entries]
    for entry in own:
        if names.count(entry.finding) > 1:
            raise ExpectationError(f"{entry.place}: finding {entry.finding!r} occurs twice")
    return entries


def _read_shared(path: Path, shared: Any) -> list[Expectation]:
    """The entries of other files in the folder that a file shares."""
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
            # The lines of a shared entry are where this file names it: that is the line to change.
            quoted = re.compile(f"[\"']{re.escape(finding)}[\"']")
            line = next((number for number, text in enumerate(lines, 1) if quoted.search(text)), 1)
            entries.append(replace(own[finding], path=path, lines=(line, line)))
    return entries


def _parse(path: Path) -> tuple[dict[str, Any], list[Expectation]]:
    """The entries that one file holds itself, and the rest of the document."""
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
    spans = _entry_lines(text)
    if len(spans) != len(entries):
        raise ExpectationError(
            f"{path}: every entry starts with a line [[expectation]], and no string may contain one"
        )
    return document, [_entry(path, span, values) for span, values in zip(spans, entries, strict=True)]


def _entry_lines(text: str) -> list[tuple[int, int]]:
    """First and last line of every entry; without comments and blank lines before the next entry."""
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
        return _make_entry(path, lines, dict(values))
    except (ValueError, CaseError) as error:
        raise ExpectationError(f"{path}:{lines[0]}: {error}") from None


def _make_entry(path: Path, lines: tuple[int, int], values: dict[str, Any]) -> Expectation:
    """Make an entry; raise ValueError with what is wrong with it."""
    finding, where, reason = (_pop_text(values, name) for name in ("finding", "where", "reason"))
    upstream = _pop_text(values, "upstream", "")
    kinds = _pop_texts(values, "kind", required=True)
    evidence = tuple(str(Case.parse(case_id)) for case_id in _pop_texts(values, "evidence"))
    versions = _pop_table(values, "versions")
    environment = _pop_table(values, "environment")
    signature = parse_signature(values.pop("signature", None))
    if signature is None and path.resolve().parent == BUILT_IN:
        raise ValueError('signature is missing: say what the output is, as in signature = { diagnosis = "shift" }')
    intermittent = values.pop("intermittent", False)
    if not isinstance(intermittent, bool):
        raise ValueError("intermittent must be true or false")
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
        finding=finding, where=where, kinds=kinds, reason=reason, upstream=upstream, evidence=evidence,
        versions=_read_ranges(versions), environment=_read_environment(environment), path=path, lines=lines,
        case_columns_only=case_columns_only, intermittent=intermittent, signature=signature,
    )  # fmt: skip


def _pop_text(values: dict[str, Any], name: str, default: str | None = None) -> str:
    value = values.pop(name, default)
    if value is None:
        raise ValueError(f"{name} is missing")
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise ValueError(f"{name} must be a non-empty string")
    return value


def _pop_texts(values: dict[str, Any], name: str, *, required: bool = False) -> tuple[str, ...]:
    value = values.pop(name, None)
    texts = [value] if isinstance(value, str) else value if value is not None else []
    if not isinstance(texts, list) or not all(isinstance(item, str) for item in texts) or (required and not texts):
        raise ValueError(f"{name} must be a string or a list of strings")
    return tuple(texts)


def _pop_table(values: dict[str, Any], name: str) -> dict[str, Any]:
    value = values.pop(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table, as in {name} = {{ ... }}")
    return value


def _read_ranges(table: dict[str, Any]) -> dict[str, SpecifierSet]:
    ranges = {}
    for package, text in table.items():
        try:
            ranges[package] = SpecifierSet(text)
        except (InvalidSpecifier, AttributeError, TypeError):
            raise ValueError(f"versions: {text!r} is not a PEP 440 range, such as '>=2.4,<2.14'") from None
    return ranges


def _read_environment(table: dict[str, Any]) -> dict[str, Any]:
    rest = dict(table)
    flags = _pop_texts(rest, "cpu_flags")
    system = rest.pop("os", "")
    facts = _pop_table(rest, "facts")
    if rest:
        raise ValueError(f"environment: unknown key {next(iter(rest))!r}; known are os, cpu_flags and facts")
    for name, value in facts.items():
        if not isinstance(value, bool | int | str):
            raise ValueError(f"environment: fact {name} must be true, false, a whole number or a string")
    if system not in ("", *_OPERATING_SYSTEMS):
        raise ValueError(f"environment: unknown os {system!r}; known are {', '.join(_OPERATING_SYSTEMS)}")
    return {"os": system, "cpu_flags": flags, "facts": facts}


def load_all(adapters: Iterable[str], folders: Sequence[Path] = (BUILT_IN,)) -> dict[str, list[Expectation]]:
    """`load` for several adapters, by name."""
    return {adapter: load(adapter, folders) for adapter in adapters}
