"""The module that pytest collects: ``pytest --pyargs conformance.suite --adapter torch --tier smoke -n 2``.

The plugin replaces the contents of this module by one item per case and adapter.
"""

from pathlib import Path

__all__ = ["SUITE"]


SUITE = Path(__file__)
