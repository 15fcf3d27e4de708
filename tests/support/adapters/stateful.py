"""Adapters whose outputs depend on earlier calls or on chance: caches with a key that lacks something, and races.

Plain NumPy, so that their repro scripts run without us. What they keep lives in the set-up of the process.
"""

from __future__ import annotations

from typing import Any, ClassVar

from conformance.adapters.base import Limit, Program
from conformance.cases.case import Case
from tests.support.adapters.right import Right


def _plan(case: Case) -> dict[str, Any]:
    """What decides about an output, beside the numbers."""
    return {
        "x": case.input_shape if case.layout == "channels_first" else
        (case.batch, case.in_channels, *case.input_size),
        "w": case.weight_shape,
        "stride": case.stride,
        "dilation": case.dilation,
        "groups": case.groups,
        "padding": (case.padding, case.output_padding is None),
        "output_padding": case.output_padding,
        "layout": case.layout,
        "dtype": case.dtype,
        "direction": case.direction,
    }  # fmt: skip


class Stateful(Right):
    """Right but for a state that ``state`` sets up and ``before`` and ``after`` use; every case is computed."""

    name = "stateful"
    state: ClassVar[tuple[str, ...]] = ("kept = {}",)
    before: ClassVar[tuple[str, ...]] = ()
    limits = (
        Limit("inexpressible", "dtype", lambda case: case.dtype == "bf16", "NumPy has no bfloat16", "manual"),
        Limit("inexpressible", "direction", lambda case: case.direction == "grad2", "no second order", "manual"),
    )

    def key(self, case: Case) -> tuple[Any, ...]:
        """What the state is kept under."""
        return tuple(_plan(case).values())

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        # A case of the tiers that has no output is refused by Right.
        setup = (*right.setup, *self.state)
        return Program(setup, (f"key = {self.key(case)!r}", *self.before, *right.body))


class StaleWeights(Stateful):
    """Packs its weights once per shape (wcache_shape)."""

    name = "stale-weights"
    before = ("w = kept.setdefault(w.shape, w.copy())",)


class StaleWeightsByAddress(Stateful):
    """Packs its weights once per address (wcache_ptr)."""

    name = "stale-weights-by-address"
    before = ("w = kept.setdefault((w.ctypes.data, w.shape), w.copy())",)


class StaleBias(Stateful):
    """Keeps the bias by its length (bcache)."""

    name = "stale-bias"
    before = ("bias = bias if bias is None else kept.setdefault(bias.shape, bias.copy())",)


class EvictedPlan(Stateful):
    """Keeps 16 plans; the plan that takes the place of an evicted one has its stride (lru16)."""

    name = "evicted-plan"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        lines = (
            f"stride = {case.stride}",
            "if key not in kept:",
            "    old = kept.pop(next(iter(kept))) if len(kept) >= 16 else stride",
            "    kept[key] = old if len(old) == len(stride) else stride",
        )
        body = [line.replace(f"stride={case.stride}", "stride=kept[key]") for line in right.body]
        return Program(right.setup, (body[0], *lines, *body[1:]))


class FromCall101(Stateful):
    """Flips its kernel from call 101 on (jit100)."""

    name = "from-call-101"
    before = (
        "kept['calls'] = kept.get('calls', 0) + 1",
        "w = w[:, :, ::-1] if kept['calls'] > 100 else w",
    )


class AfterManyPlans(Stateful):
    """Flips its kernel once it has seen as many different calls as a sequence holds."""

    name = "after-many-plans"
    before = ("kept[key] = True", "w = w[:, :, ::-1] if len(kept) == 12 and list(kept)[-1] != key else w")


class RaceOnLarge(Stateful):
    """Is wrong one time in ten where the output has more than 2000 elements (race_big)."""

    name = "race-on-large"
    state = ("import random", "chance = random.SystemRandom()")
    share: ClassVar[float] = 0.1
    least: ClassVar[int] = 2000

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        name = "y" if case.direction == "fwd" else "dw"
        race = f"{name} = {name} + ({name}.size > {self.least} and chance.random() < {self.share})"
        return Program(right.setup, (*right.body, f"{race}; {name} = {name}.astype(x.dtype)"))


class Race(RaceOnLarge):
    """Is wrong one time in ten (race50 is wrong less often, which a test could miss)."""

    name = "race"
    share = 0.1
    least = 0


class EveryFiftieth(Stateful):
    """Is wrong in one of fifty calls."""

    name = "every-fiftieth"
    before = (
        "kept['calls'] = kept.get('calls', 0) + 1",
        "x = x + (kept['calls'] % 50 == 0)",
        "x = x.astype(w.dtype)",
    )


class SharedBuffer(Stateful):
    """Adds up its output in a buffer that all threads share."""

    name = "shared-buffer"
    after = (
        "total = kept.setdefault(y.shape, np.zeros_like(y))",
        "total[...] = 0",
        "time.sleep(0.002)",
        "total += y",
        "y = total.copy()",
    )


class OtherOrder(Stateful):
    """Rounds the other way in every second call, as after a sum in another order."""

    name = "other-order"
    before = ("kept['calls'] = kept.get('calls', 0) + 1",)
    after = ("y = np.nextafter(y, np.inf, dtype=y.dtype) if kept['calls'] % 2 else y",)


class ByThreads(Stateful):
    """Drops the last position where it computes with one thread."""

    name = "by-threads"
    after = ("y[..., -1] *= os.environ.get('OPENBLAS_NUM_THREADS') != '1'",)


class KeyLacks(Stateful):
    """Keeps its arguments under a key that lacks one of them (plan_*)."""

    lacks: ClassVar[str]
    names = ("stride", "dilation", "groups", "crop", "layout")

    def key(self, case: Case) -> tuple[Any, ...]:
        """All but what it lacks."""
        plan = _plan(case)
        del plan[self.lacks]
        return tuple(plan.values())

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        values = (case.stride, case.dilation, case.groups, case.geometry().crop, case.layout)
        lines = [f"plan = kept.setdefault(key, {values!r})"]
        body = list(right.body)
        for place, (name, value) in enumerate(zip(self.names, values, strict=True)):
            body = [line.replace(f"{name}={value!r}", f"{name}=plan[{place}]") for line in body]
        return Program(right.setup, (body[0], *lines, *body[1:]))


class PlanPad(KeyLacks):
    """The padding."""

    name, lacks = "plan-pad", "padding"


class PlanStride(KeyLacks):
    """The stride."""

    name, lacks = "plan-stride", "stride"


class PlanLayout(KeyLacks):
    """The layout."""

    name, lacks = "plan-layout", "layout"


class PlanDilation(KeyLacks):
    """The dilation."""

    name, lacks = "plan-dil", "dilation"


class PlanOutputPadding(KeyLacks):
    """The output padding."""

    name, lacks = "plan-op", "output_padding"


class PlanGroups(KeyLacks):
    """The number of groups."""

    name, lacks = "plan-groups", "groups"


class PlanDtype(Stateful):
    """The dtype: rounds its output to that of the plan."""

    name = "plan-dtype"

    def key(self, case: Case) -> tuple[Any, ...]:
        """All but the dtype."""
        plan = _plan(case)
        del plan["dtype"]
        return tuple(plan.values())

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        name = "y" if case.direction == "fwd" else "dw"
        line = f"{name} = {name}.astype(kept.setdefault(key, x.dtype))"
        return Program(right.setup, (*right.body, line))


class PlanSorted(KeyLacks):
    """The order of the strides: it sorts them."""

    name, lacks = "plan-sorted", "stride"

    def key(self, case: Case) -> tuple[Any, ...]:
        """All, the strides in order and what of the output padding goes with them."""
        plan = _plan(case)
        plan["stride"], extra = tuple(sorted(case.stride)), case.output_padding
        plan["output_padding"] = extra if extra is None else tuple(sorted(extra))
        return tuple(plan.values())


class Damaged(Stateful):
    """Gives zeros once it has run a case with one axis."""

    state = ("damaged = []",)

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        lines = (*right.body, "y = 0 * y if damaged else y", f"damaged += [1] * ({case.rank} == 1)")
        return Program(right.setup, lines)


class KnownAsDamaged(Damaged):
    """The same, and it says which cases damage its process."""

    def damages_process(self, case: Case) -> bool:
        """Cases with one axis do."""
        return case.rank == 1
