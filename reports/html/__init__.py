"""The report as a web page: one file that opens from disk and makes no network requests."""

from conformance.reports.html.page import prepare, write_report

__all__ = ["prepare", "write_report"]
