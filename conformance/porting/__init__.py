"""The same question in another framework's words: the call, what happens to the weights, and the proof."""

from __future__ import annotations

from conformance.porting.search import Port, Proof, Unaskable, find_port, prove
from conformance.porting.steps import STEPS, PortStep

__all__ = ["STEPS", "Port", "PortStep", "Proof", "Unaskable", "find_port", "prove"]
