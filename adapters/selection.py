"""Which adapters the names on a command line select, on which device and under which machine profiles."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence

from conformance.adapters.machines import NATIVE, UnknownMachine, machine_named
from conformance.adapters.registry import (
    EVERYDAY,
    MachineOutOfReach,
    UnknownAdapter,
    all_adapters,
    available,
    entry_points,
    load,
    on_machine,
    resolve,
    split_name,
)

__all__ = ["expand", "under_machines"]


def expand(
    names: Sequence[str], device: str = "cpu", offered: Callable[[str], list[str]] = available
) -> list[str]:
    """The adapters that names mean, in order and without repetitions.

    A name with ``*`` means all installed adapters that it matches, each under the machine profile that it names.
    No name at all means the installed ones of the ``EVERYDAY`` adapters and of those of other packages
    (``offered`` lists the installed adapters of a device). On a device other than the CPU a name means its
    variants there: ``torch`` means ``torch-cuda`` and ``torch-cuda-tf32``.

    Raises
    ------
    UnknownAdapter
        A pattern that matches nothing, or an adapter without a variant on the device.
    """
    selected: dict[str, None] = dict.fromkeys([] if names else _everyday(offered(device), device))
    for name in names:
        matched = _matching(name, offered(device)) if "*" in name else _on_device(name, device)
        if not matched:
            raise UnknownAdapter(f"adapter {name!r}: no adapter that is installed for device {device} matches")
        selected.update(dict.fromkeys(matched))
    return list(selected)


def under_machines(
    names: Sequence[str], machines: Sequence[str], say: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Each adapter under each machine profile; a name that already has a profile stays as it is.

    Parameters
    ----------
    names : sequence of str
        Names of adapters, as `expand` gives them.
    machines : sequence of str
        Names of profiles; none means ``native``.
    say : callable
        Takes a line about each pair that is left out because the profile sets nothing of the adapter.

    Raises
    ------
    UnknownAdapter
        A profile is unknown or not available here, or no pair is left.
    """
    pairs: dict[str, None] = {}
    left_out = []
    try:
        profiles = [machine_named(machine) for machine in machines or [NATIVE]]
    except UnknownMachine as error:
        raise UnknownAdapter(str(error)) from None
    for profile in profiles:
        if profile.unreachable():
            raise UnknownAdapter(f"machine profile {profile.name} is not available: {profile.unreachable()}")
        for name in names:
            own = split_name(name)[1] != NATIVE
            pair = name if own else on_machine(name, profile.name)
            try:
                resolve(pair)
            except MachineOutOfReach as error:
                if own:
                    raise
                left_out.append(str(error))
                continue
            pairs[pair] = None
    if not pairs:
        raise UnknownAdapter("; ".join(left_out))
    for line in left_out:
        say(f"left out: {line}")
    return list(pairs)


def _matching(pattern: str, offered: Sequence[str]) -> list[str]:
    plain, machine, python = split_name(pattern)
    return [] if python else [on_machine(name, machine) for name in fnmatch.filter(offered, plain)]


def _everyday(offered: Sequence[str], device: str) -> list[str]:
    others = entry_points()
    return [name for name in offered if name in EVERYDAY or name in others or device != "cpu"]


def _on_device(name: str, device: str) -> list[str]:
    spec = resolve(name)
    if device == "cpu" or load(spec.target).device == device:
        return [name]
    # A variant on a device is a subclass that declares the device.
    kind = load(spec.target)
    suffix = name[len(split_name(name)[0]) :]
    kinds = {variant: load(target) for variant, target in all_adapters().items()}
    return [v + suffix for v, other in kinds.items() if other.device == device and issubclass(other, kind)]
