"""Evaluating recruiters on recorded pools: replay, metrics, reports.

Imported by cli.
"""
