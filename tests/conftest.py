"""Shared settings of the tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A diagnosis that fails itself fails the test, also in the processes that tests start.
os.environ["CONFORMANCE_STRICT"] = "1"

# No test leaves processes behind, nor uses one that another test has used; the server's own tests switch it on.
os.environ["CONFORMANCE_SERVER"] = "0"

# No deadlines: a test judges results, never time. Derandomised in CI, so that a red build can be repeated.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
