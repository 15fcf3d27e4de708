"""Running the suite under pytest: items on the side that runs them, the record on the side that controls."""

from __future__ import annotations

import pytest

from conformance.runner.items import SuitePlugin
from conformance.runner.recorder import Recorder

__all__ = ["register"]


def register(config: pytest.Config) -> None:
    """Add the parts of the runner that this process needs.

    Under pytest-xdist the workers ask and the controller records; without it one process does both.
    """
    is_worker = hasattr(config, "workerinput")
    config.pluginmanager.register(SuitePlugin(config), "conformance-items")
    if not is_worker and not config.option.collectonly:
        config.pluginmanager.register(Recorder(config), "conformance-recorder")
