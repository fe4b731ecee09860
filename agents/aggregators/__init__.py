"""Aggregators: what turns several thoughts into one answer, one file each behind one contract.

Imported by the orchestrator, and by evals, which measures who synthesises best.
"""
