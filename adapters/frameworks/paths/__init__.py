"""Paths: a layer of one framework, written by a converter as a model file, and run by another framework."""
