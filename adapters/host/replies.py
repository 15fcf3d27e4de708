"""Replies that are the same whether Python or another program runs an adapter's programs."""

from __future__ import annotations

from conformance.adapters.base import Adapter, AdapterBug, Declined, NotNumbers, WrongShape
from conformance.adapters.host import protocol
from conformance.cases.case import Case

__all__ = ["MESSAGE_LIMIT", "failed", "not_run", "program_reply", "refused"]

MESSAGE_LIMIT = 20_000


def not_run(error: Exception) -> protocol.Message:
    """The reply where a case is not run: the adapter declines it, or fails itself."""
    if isinstance(error, Declined):
        return {"reply": error.status, "detail": error.reason, "source": error.source}
    detail = str(error) if isinstance(error, AdapterBug) else f"{type(error).__name__}: {error}"
    return {"reply": "broken", "detail": detail[:MESSAGE_LIMIT]}


def program_reply(adapter: Adapter, case: Case) -> protocol.Message:
    """The reply with the program of a case."""
    try:
        return {"reply": "program", **adapter.program_here(case).to_json()}
    except Exception as error:
        return not_run(error)


def refused(adapter: Adapter, case: Case, message: str) -> protocol.Message:
    """The reply for an exception of the framework: a documented limit, or an unexplained refusal."""
    refusal = adapter.documented(case, message)
    if refusal is None:
        return {"reply": "raised", "detail": message[:MESSAGE_LIMIT]}
    return {"reply": "unsupported", "detail": message[:MESSAGE_LIMIT], "source": refusal.source}


def failed(adapter: Adapter, case: Case, error: Exception) -> protocol.Message:
    """The reply where running a case raised."""
    if isinstance(error, (Declined, AdapterBug)):
        return not_run(error)
    if isinstance(error, (NotNumbers, WrongShape)):
        kind = "not_numbers" if isinstance(error, NotNumbers) else "misshapen"
        return {"reply": kind, "detail": str(error)[:MESSAGE_LIMIT]}
    return refused(adapter, case, f"{type(error).__name__}: {error}")
