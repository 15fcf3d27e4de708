"""The results of a run as plain data, for pages and texts."""
