"""The record of a run: outcomes, their findings, and the SQLite file that holds them."""
