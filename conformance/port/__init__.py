"""The same question in another framework's words: the call, what happens to the weights, and the proof."""

from __future__ import annotations

from conformance.port.search import Port, Proof, Unaskable, find_port, prove
from conformance.port.steps import STEPS, Step

__all__ = ["STEPS", "Port", "Proof", "Step", "Unaskable", "find_port", "prove"]
