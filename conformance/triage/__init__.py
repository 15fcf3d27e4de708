"""Work on one failure: explain it, make it smaller, find its first version, report it."""
