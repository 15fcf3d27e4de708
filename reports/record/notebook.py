"""Outcomes and findings as HTML for notebooks. Everything shown is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from conformance.reports.record.statuses import STATUSES, label

if TYPE_CHECKING:
    from conformance.reports.record.findings import Finding
    from conformance.reports.record.outcome import Outcome

__all__ = ["finding_html", "outcome_html"]

_MOST_CHARACTERS = 300

_environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)

_OUTCOME = _environment.from_string("""<div><b>{{ symbol }} {{ label }}</b> · {{ outcome.adapter }} · \
<code>{{ outcome.case_id }}</code>
{% if outcome.diagnosis %}<br>{{ outcome.diagnosis.text }}{% endif %}
{% if long %}<details><summary>{{ first }}</summary><pre>{{ outcome.detail }}</pre></details>\
{% elif outcome.detail %}<br>{{ outcome.detail }}{% endif %}
{% if outcome.profile %}<br>profile {{ outcome.profile }}, {{ "%.0f"|format(100 * (outcome.budget or 0)) }} % of its bound{% endif %}
{% if outcome.program %}<details><summary>call</summary><pre>{{ outcome.program }}</pre></details>{% endif %}
</div>""")  # noqa: E501

_FINDING = _environment.from_string("""<div><b>{{ symbol }} {{ label }}</b> · {{ finding.adapter }} · \
{{ finding.counted }}{% if finding.spread %} ({{ finding.spread }}){% endif %}
<br>{{ finding.text or first }}
{% if finding.condition %}<br>{{ finding.condition.phrase }}. {{ finding.condition.counted }}{% endif %}
<br>smallest: <code>{{ finding.smallest }}</code></div>""")


def outcome_html(outcome: Outcome) -> str:
    """An outcome: status, case, diagnosis and call; a long message, such as a traceback, is folded."""
    symbol, status = STATUSES[outcome.status].symbol, label(outcome.status, outcome.kind)
    first = _first_line(outcome.detail)
    return _OUTCOME.render(
        outcome=outcome, symbol=symbol, label=status, first=first, long=first != outcome.detail.strip()
    )


def finding_html(finding: Finding) -> str:
    """A finding: its cause, its condition and its smallest case."""
    symbol, first = STATUSES[finding.status].symbol, _first_line(finding.detail)
    return _FINDING.render(finding=finding, symbol=symbol, label=finding.label, first=first)


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…"
