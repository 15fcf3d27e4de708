"""Adapter processes that stay for a while after a command, so that the next command need not import frameworks."""
