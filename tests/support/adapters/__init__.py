"""Adapters without a framework, for tests of the machinery around adapters; each class name is there once."""
