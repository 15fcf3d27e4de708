"""What pytest collects: ``pytest --pyargs conformance.suite --adapter torch --tier smoke -n 2``.

The plugin puts an item for each case and adapter in place of this module's contents.
"""

from pathlib import Path

__all__ = ["SUITE"]


SUITE = Path(__file__)
