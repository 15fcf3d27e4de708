"""The condition of a finding: the smallest condition over case columns that separates failing from passing."""

from conformance.conditions.atoms import Atom, Predicate
from conformance.conditions.inference import ConditionResult, infer_condition
from conformance.conditions.same_cause import Alike
from conformance.conditions.terms import terms_of

__all__ = ["Alike", "Atom", "ConditionResult", "Predicate", "infer_condition", "terms_of"]
