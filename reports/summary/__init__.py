"""A run in numbers and words, as plain data for pages and texts."""
