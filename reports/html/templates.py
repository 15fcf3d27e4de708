"""The templates of the pages."""

from __future__ import annotations

import jinja2

__all__ = ["templates"]


def templates() -> jinja2.Environment:
    """An environment with the templates of the pages, in which an unknown name is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("conformance.reports.html", "assets"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
