"""Port a case to a different framework: the call, the conversion of the weights, and the proof."""

from __future__ import annotations

from conformance.porting.search import AdapterCannotStart, Port, Proof, find_port, prove
from conformance.porting.steps import STEPS, PortStep

__all__ = ["STEPS", "AdapterCannotStart", "Port", "PortStep", "Proof", "find_port", "prove"]
