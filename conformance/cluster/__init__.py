"""Runs on more than one machine: the workers of a Dask cluster run the cases."""
