"""Permanent, named cases: worked examples of the literature and reports of real users."""
