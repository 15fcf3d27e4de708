"""Fault models: each makes one mistake in the oracle, and the diagnosis looks for the one that was made."""
