"""Running cases on adapters: one case, the cases of a run, and a failed case again."""
