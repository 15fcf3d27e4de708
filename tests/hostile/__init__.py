"""Input from strangers, mutated at random: every reader answers with a value or with its own one-line error."""
