"""A connection to a process that takes programs: it runs text, and all else an adapter does is done here.

Such a process may be written in any language; ``docs/protocol.md`` describes it.
"""

from __future__ import annotations

import collections
import io

import numpy as np

from conformance.adapters.base import Adapter, Declined, Tensor
from conformance.adapters.host import protocol
from conformance.adapters.host.connection import Connection
from conformance.adapters.host.replies import not_run, program_reply, refused
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS

__all__ = ["ProgramConnection"]

Arrays = dict[str, np.ndarray]


class ProgramConnection(Connection):
    """Sends the program of each case with its tensors.

    Parameters
    ----------
    connection : Connection
        The connection that this one takes over, once the process is ready.
    adapter : Adapter
        Writes the programs.
    """

    def __init__(self, connection: Connection, adapter: Adapter) -> None:
        vars(self).update(vars(connection))
        self._adapter = adapter
        # Requests without a reply, oldest first, each with its reply where the process is not needed for it.
        self._requests: collections.deque[tuple[protocol.Message, protocol.Message | None]] = collections.deque()

    def send(self, message: bytes) -> None:
        """Send a message with its program, unless its reply is known."""
        request, tensors = protocol.unpack(io.BytesIO(message).read)
        try:
            known = self._add_program(request)
        except Exception as error:
            known = not_run(error)
        self._requests.append((request, None if known is None else {**known, "id": request["id"]}))
        if known is None:
            super().send(protocol.pack(request, tensors))

    def receive(self, patience: float) -> tuple[protocol.Message, Arrays]:
        """The reply to the oldest message without one; raises what `Connection.receive` raises."""
        request, known = self._requests[0]
        reply, arrays = (known, {}) if known is not None else super().receive(patience)
        self._requests.popleft()
        return self._complete(request, reply, arrays)

    def _add_program(self, request: protocol.Message) -> protocol.Message | None:
        """Put the program into a request, or return the reply that needs none."""
        if request["ask"] == "files":
            return None
        case = Case.parse(request["case"])
        if request["ask"] == "program":
            return program_reply(self._adapter, case)
        if request["ask"] == "samples":
            reason = "large cases run in Python only, where their tensors are made"
            raise Declined("inexpressible", reason, self._adapter.documentation)
        if request["ask"] == "model":
            request["suffix"], program = self._adapter.model_program(case)
            outputs: tuple[str, ...] = ("model",)
        else:
            self._adapter.require_runnable(case, beyond_limits=bool(request.get("beyond_limits")))
            program, outputs = self._adapter.program_here(case), tuple(case.outputs)
        request |= {**program.to_json(), "outputs": outputs}
        return None

    def _complete(
        self, request: protocol.Message, reply: protocol.Message, arrays: Arrays
    ) -> tuple[protocol.Message, Arrays]:
        """Add to a reply what only the adapter knows."""
        if request["ask"] == "answer" and reply["reply"] == "raised":
            return {**reply, **refused(self._adapter, Case.parse(request["case"]), str(reply["detail"]))}, arrays
        if reply["reply"] != "answer":
            return reply, arrays
        if request["ask"] == "model":
            return {**reply, "reply": "model", "suffix": request["suffix"]}, {"content": arrays["model"]}
        case = Case.parse(request["case"])
        repeats = self._adapter.repeatable or DATA_KINDS[case.data].exact
        added = {
            "promise": self._adapter.promise(case),
            "changing": reply.get("changing", []) if repeats else [],
            "dtypes": {name: Tensor.of(array).dtype for name, array in arrays.items()},
        }
        return {**reply, **added}, arrays
