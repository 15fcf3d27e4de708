"""Fault models: each makes one mistake in the oracle, and the diagnosis searches for the one that was made."""
