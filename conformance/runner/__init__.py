"""Running the suite under pytest: items on the side that runs them, the record on the side that controls."""
