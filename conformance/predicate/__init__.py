"""When a finding happens: the smallest condition over case columns that separates failing from passing."""

from conformance.predicate.active import Explained, explain
from conformance.predicate.atoms import Atom, Predicate
from conformance.predicate.confirmed import confirmed, fails_alike
from conformance.predicate.recorded import conditions

__all__ = ["Atom", "Explained", "Predicate", "conditions", "confirmed", "explain", "fails_alike"]
