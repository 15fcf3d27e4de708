"""The page of ``conformance audit``: one model, its layers, and what each adapter makes of them. No scripts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from conformance.reports.html.templates import templates
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES, label

__all__ = ["write_audit_page"]


def write_audit_page(document: Mapping[str, Any], headline: str, folder: Path) -> Path:
    """Write the page of a model.

    Parameters
    ----------
    document : mapping
        The audit as ``audit --json`` prints it.
    headline : str
        The result in one sentence.
    folder : Path
        The folder for ``index.html``; created if it does not exist.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    assets = resources.files("conformance.reports.html").joinpath("assets")
    outcomes = [outcome for layer in document["layers"] for outcome in layer["outcomes"]]
    shown = {outcome["status"] for outcome in outcomes}
    template = templates().get_template("audit.html.j2")
    page = template.render(
        model=document,
        headline=headline,
        fails=any(outcome["difference"] for outcome in outcomes)
        or any(not one["case"] for one in document["layers"]),
        adapters={outcome["adapter"]: outcome["versions"] for outcome in outcomes},
        statuses=STATUSES,
        legend=[status for name, status in STATUSES.items() if name in shown],
        kinds=FAIL_KINDS,
        label=label,
        style=Markup(assets.joinpath("style.css").read_text(encoding="utf-8")),
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path
