"""What is done with one failure: explain it, make it smaller, find its first version, write it up."""
