"""Grouping requests per model, under a virtual clock: the scheduling policies on hosts that only cost time.

Used by `conclave bench grouping --simulate` and by the property tests of the policies. Imported by the rest of evals.
"""
