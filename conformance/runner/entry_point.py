"""The plugin that pytest loads wherever the suite is installed: it adds options in runs of the suite only.

Runs of other projects stay unchanged, so that their own ``--device`` or ``--tier`` does not collide with ours.
"""

from __future__ import annotations

from typing import Any

import pytest

_SUITE = "conformance.suite"
_CONTRACT = "conformance.contract"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare options if the command line names the suite or the contract."""
    config: Any = pluginmanager.get_plugin("pytestconfig")
    named = {str(argument).partition("::")[0] for argument in config.invocation_params.args}
    if _SUITE in named:
        pluginmanager.import_plugin("conformance.plugin")
    elif _CONTRACT in named and not pluginmanager.has_plugin("conformance.plugin"):
        from conformance.runner.options import add_to_pytest  # runs of other projects do not need it

        add_to_pytest(parser, only=["adapters"])
