"""A run as JUnit XML, for CI systems; made from the record, so that merged and resumed runs are complete."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from conformance.reports.gate.assess import Gate
from conformance.reports.gate.standings import STANDINGS
from conformance.reports.record.statuses import STATUSES, label
from conformance.reports.record.store import Results

__all__ = ["write_junit"]

_MOST_CHARACTERS = 4000
# Characters that XML 1.0 does not allow (section 2.2), and lone surrogates.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(results: Results, gate: Gate, path: Path) -> Path:
    """Write every outcome as a test case; one that fails the gate is a failure, a failure of the suite an error.

    Parameters
    ----------
    results : Results
        The record of the run.
    gate : Gate
        The run compared with what was known.
    path : Path
        The file to write.
    """
    standings = {(item.outcome.adapter, item.outcome.case_id): item for item in gate.items}
    suite = ET.Element("testsuite", name="conformance")
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    seconds = 0.0
    for outcome in results.outcomes(details=False):
        item = standings.get((outcome.adapter, outcome.case_id))
        case = ET.SubElement(suite, "testcase", classname=_xml(outcome.adapter), name=outcome.case_id,
                             time=f"{outcome.seconds:.3f}")  # fmt: skip
        counts["tests"] += 1
        seconds += outcome.seconds
        message = label(outcome.status, outcome.kind)
        if item is not None and STANDINGS[item.standing].fails:
            tag = "error" if STATUSES[outcome.status].ours else "failure"
            message = f"{item.standing}: {message}"
        elif outcome.status != "pass":
            tag = "skipped"
            message = f"{item.standing}: {message}" if item is not None else message
        else:
            continue
        counts[{"error": "errors", "failure": "failures", "skipped": "skipped"}[tag]] += 1
        element = ET.SubElement(case, tag, message=_xml(message))
        element.text = _xml(outcome.detail[:_MOST_CHARACTERS])
    suite.attrib.update({**{name: str(count) for name, count in counts.items()}, "time": f"{seconds:.3f}"})
    root = ET.Element("testsuites")
    root.append(suite)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
