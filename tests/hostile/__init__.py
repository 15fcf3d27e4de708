"""Input from strangers, mutated at random: every reader returns a value or fails with its own one-line error."""
