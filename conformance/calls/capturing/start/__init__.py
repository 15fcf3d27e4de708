"""The folder that a captured command has in front of its PYTHONPATH."""
