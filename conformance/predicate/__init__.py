"""When a finding happens: the smallest condition over case columns that separates failing from passing."""

from conformance.predicate.active import Explained, explain
from conformance.predicate.alike import Alike
from conformance.predicate.atoms import Atom, Predicate
from conformance.predicate.confirmed import confirmed
from conformance.predicate.recorded import conditions
from conformance.predicate.terms import terms_of

__all__ = ["Alike", "Atom", "Explained", "Predicate", "conditions", "confirmed", "explain", "terms_of"]
