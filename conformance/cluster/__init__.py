"""Past one machine: the same questions asked by the workers of a Dask cluster."""
