"""What a client makes of the messages of an adapter's process: outputs, models, programs and refusals."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal, NamedTuple, cast

import numpy as np

from conformance.adapters.base import Product, Tensor
from conformance.adapters.host import protocol
from conformance.cases.case import Case
from conformance.cases.program import Program

__all__ = [
    "Model",
    "Reply",
    "ReplyKind",
    "as_files",
    "as_model",
    "as_product",
    "as_program",
    "as_reply",
    "plain_text",
]

Arrays = dict[str, np.ndarray]

ReplyKind = Literal["answer", "not_numbers", "misshapen", "raised", "unsupported", "inexpressible", "crash",
                    "timeout", "no_memory", "broken", "program"]  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """The reply to one request.

    Attributes
    ----------
    kind : str
        ``answer`` (outputs); ``not_numbers`` and ``misshapen`` (outputs that cannot be compared, or whose shape
        alone is wrong); ``raised``, ``unsupported``, ``inexpressible``, ``crash``, ``timeout``; ``no_memory``
        (too little for a large case); ``broken`` (a failure of the suite itself, or a framework that cannot be
        imported); ``program`` (a program's text).
    tensors : dict of Tensor
        The outputs.
    detail, source : str
        The message and the documentation it cites.
    changing : tuple of str
        Names of the tensors that differ when the case is run twice.
    overwritten : tuple of str
        Names of the tensors of the case that the call changed in memory.
    aliased : tuple of str
        What is wrong with the memory of the outputs: it is that of an input, or of an earlier output.
    promise : str
        The accuracy profile the adapter promises for the case.
    calls : int
        How often the case was computed in its process, where many calls were wanted.
    others : tuple of (dict of Tensor, int)
        Other outputs that some of those calls returned, and how many did.
    """

    kind: ReplyKind
    tensors: dict[str, Tensor] = field(default_factory=dict)
    detail: str = ""
    source: str = ""
    changing: tuple[str, ...] = ()
    overwritten: tuple[str, ...] = ()
    aliased: tuple[str, ...] = ()
    promise: str = "exact"
    calls: int = 1
    others: tuple[tuple[dict[str, Tensor], int], ...] = ()

    @property
    def deterministic(self) -> bool:
        """Whether running the case twice gave the same bits."""
        return not self.changing


class Model(NamedTuple):
    """A model file: the suffix of its name, and its bytes."""

    suffix: str
    content: bytes


def plain_text(text: str) -> str:
    """Text without the escape sequences that colour a terminal, and without what a file cannot hold.

    A lone surrogate, such as an undecodable file name gives, is written as its escape.
    """
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def as_reply(reply: protocol.Message, arrays: Arrays) -> Reply:
    """The reply to a case, with its outputs."""
    return Reply(
        kind=cast(ReplyKind, str(reply["reply"])),
        tensors={name: Tensor(arrays[name], str(d)) for name, d in reply.get("dtypes", {}).items()},
        detail=plain_text(str(reply.get("detail", ""))),
        source=plain_text(str(reply.get("source", ""))),
        changing=tuple(map(str, reply.get("changing", ()))),
        overwritten=tuple(map(str, reply.get("overwritten", ()))),
        aliased=tuple(map(str, reply.get("aliased", ()))),
        promise=str(reply.get("promise", "exact")),
        calls=int(reply.get("calls", 1)),
        others=tuple(
            (
                {name: Tensor(arrays[f"{number}.{name}"], str(d)) for name, d in other["dtypes"].items()},
                other["count"],
            )
            for number, other in enumerate(reply.get("others", ()))
        ),
    )


def as_model(reply: protocol.Message, arrays: Arrays) -> Model | Reply:
    """The model file, or the reply that says why there is none."""
    if reply["reply"] != "model":
        return as_reply(reply, arrays)
    return Model(str(reply["suffix"]), arrays["content"].tobytes())


def as_product(reply: protocol.Message, arrays: Arrays) -> Product | Reply:
    """What a converter wrote, or the reply that says why there is nothing."""
    if reply["reply"] != "product":
        return as_reply(reply, arrays)
    files = {name: array.tobytes() for name, array in arrays.items()}
    if any(PurePath(name).is_absolute() or ".." in PurePath(name).parts for name in (*files, str(reply["name"]))):
        raise TypeError("a file outside its folder")
    return Product(str(reply["name"]), files, Case.parse(str(reply["layer"])))


def as_files(reply: protocol.Message, _: Arrays) -> list[str]:
    """The paths of the files that the process has loaded."""
    return [str(path) for path in reply["files"]]


def as_program(reply: protocol.Message, arrays: Arrays) -> Program | Reply:
    """The program, or the reply that says why there is none."""
    if reply["reply"] != "program":
        return as_reply(reply, arrays)
    setup, body = (tuple(plain_text(str(line)) for line in reply[part]) for part in ("setup", "body"))
    return Program(setup, body)
