"""Adapters that behave as a broken framework, or broken memory, would."""

from __future__ import annotations

from conformance.adapters.base import Adapter, DocumentedRefusal, Limit, Program
from conformance.adapters.facts import calls_with
from conformance.cases.case import Case

_SETUP = ("import os, signal, sys, time",)


class Quiet(Adapter):
    """Answers zeros of the right shape; the others do something else first."""

    name = "quiet"
    packages = ("numpy",)
    documentation = "https://example.org"
    before: tuple[str, ...] = ()

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program(_SETUP, (*self.before, f"y = np.zeros({case.output_shape}, x.dtype)"))


class Unpinned(Quiet):
    """Says that it computes with seven threads, whatever it was told."""

    name = "unpinned"
    facts = (calls_with(7),)


class Aborts(Quiet):
    """Ends its process by a signal, after saying why."""

    name = "aborts"
    before = ('os.write(2, b"the last words\\n")', "os.abort()")


class AbortsOnGroups(Quiet):
    """Says which case it is asked, and ends its process by a signal over those with groups."""

    name = "aborts-on-groups"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        end = ("os.abort()",) if case.groups > 1 else ()
        return Program(right.setup, (f'os.write(2, b"over {case}\\n")', *end, *right.body))


class AbortsInAThread(AbortsOnGroups):
    """Comes to the question it ends over while it takes its time with another."""

    name = "aborts-in-a-thread"
    before = ("time.sleep(0.2)",)
    compiles_in_threads = True


class AbortsAtLast(AbortsInAThread):
    """Ends its process over a question with groups after the one before is answered."""

    name = "aborts-at-last"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program(right.setup, ("time.sleep(2)", *right.body)) if case.groups > 1 else right


class HoldsTheLock(AbortsInAThread):
    """Hangs over a question with groups, and lets no other thread of the interpreter do anything."""

    name = "holds-the-lock"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        body = ("import ctypes", "ctypes.PyDLL(None).sleep(1000)") if case.groups > 1 else right.body
        return Program(right.setup, body)


class Exits(Quiet):
    """Leaves without a word."""

    name = "exits"
    before = ("os._exit(7)",)


class Killed(Quiet):
    """Is killed from outside, as by the kernel when memory runs out."""

    name = "killed"
    before = ("os.kill(os.getpid(), signal.SIGKILL)",)


class Hangs(Quiet):
    """Never answers."""

    name = "hangs"
    before = ("time.sleep(600)",)


class Grows(Quiet):
    """Takes memory and fills it until there is none."""

    name = "grows"
    before = ("kept = []", "while True:", "    kept.append(np.ones(1 << 27))")


class Grasps(Quiet):
    """Asks for a terabyte at once."""

    name = "grasps"
    before = ("np.empty(1 << 37)",)


class Garbage(Quiet):
    """Writes over the conversation."""

    name = "garbage"
    before = ("os.write(int(sys.argv[2]), b'no message at all, and long enough to be read as the head of one')",)


class Half(Quiet):
    """Sends the beginning of a message and stops."""

    name = "half"
    before = ("os.write(int(sys.argv[2]), b'CTC1' + bytes([9, 0, 0, 0]) + bytes(8))", "os._exit(0)")


class Chatty(Quiet):
    """Prints megabytes, on both streams."""

    name = "chatty"
    before = (
        "for _ in range(64):",
        '    os.write(2, b"e" * 65536)',
        '    os.write(1, b"o" * 65536)',
    )


class Babbles(Quiet):
    """Never stops to print."""

    name = "babbles"
    before = ("while True:", '    os.write(2, b"a word " * 512)')


class Raises(Quiet):
    """Refuses, with a message longer than a pipe's buffer."""

    name = "raises"
    before = ('raise RuntimeError("no " * 100_000)',)


class Forgets(Quiet):
    """Leaves memory unwritten."""

    name = "forgets"

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program(_SETUP, (f"y = np.empty({case.output_shape}, x.dtype)",))


class WithoutFramework(Quiet):
    """Its framework cannot be imported."""

    name = "without-framework"

    def __init__(self) -> None:
        super().__init__()
        raise ImportError("no such framework")


class Misspelt(Quiet):
    """Its own program is wrong."""

    name = "misspelt"
    before = ("x = undefined_name",)


class Objects(Quiet):
    """Answers what is no array of numbers."""

    name = "objects"

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program(_SETUP, ('y = np.array(["a", "b"])',))


class Declining(Quiet):
    """Declares two limits, of which one was lifted."""

    name = "declining"
    limits = (
        Limit(
            "unsupported", "dilation", lambda case: max(case.dilation) > 1, "no dilation", "https://example.org/d"
        ),
        Limit("unsupported", "groups", lambda case: case.groups > 1, "no groups", "https://example.org/g"),
        Limit("inexpressible", "dtype", lambda case: case.dtype != "f32", "only f32", "https://example.org/t"),
        Limit(
            "inexpressible",
            "direction",
            lambda case: case.direction != "fwd",
            "no gradient",
            "https://example.org",
        ),
        Limit(
            "inexpressible",
            "layout",
            lambda case: case.layout != "channels_first",
            "no NHWC",
            "https://example.org",
        ),
        Limit(
            "inexpressible",
            "data",
            lambda case: case.data not in ("ints", "normal"),
            "only numbers",
            "https://example.org",
        ),
    )

    def program(self, case: Case) -> Program:
        """Write the call: right but for groups."""
        arguments = f"stride={case.stride}, dilation={case.dilation}, crop={case.geometry().crop}"
        return Program(
            ("from conformance.oracle import by_zero_insertion",),
            (f"y = by_zero_insertion(x, w, bias, {arguments}).astype(x.dtype)",),
        )


class Particular(Quiet):
    """Refuses dilation and groups as a machine may, and documents one of the two."""

    name = "particular"
    refusals = (
        DocumentedRefusal(
            "dilation",
            r"no dilation on this processor",
            "some processors do not dilate",
            "https://example.org/dilation",
            lambda case: max(case.dilation) > 1,
        ),
    )

    def program(self, case: Case) -> Program:
        """Write the call: the message about dilation comes for groups too, where it explains nothing."""
        refused = max(case.dilation) > 1 or case.groups > 1
        body = 'raise ValueError("no dilation on this processor")' if refused else "y = w"
        return Program(_SETUP, (body,))
