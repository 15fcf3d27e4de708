"""A file of an adapter whose framework is not installed."""

import no_such_framework  # type: ignore[import-not-found]  # noqa: F401
