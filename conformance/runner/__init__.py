"""The suite under pytest: workers run the items, the controller writes the record."""
