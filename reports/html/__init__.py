"""The report as a web page: one file that opens from disk and asks the network for nothing."""

from reports.html.page import write_report

__all__ = ["write_report"]
