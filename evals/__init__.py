"""Measuring: question sets, profiles of live pools, benchmarks, and the reports they end in.

Imported by workers, api and cli; uses wiring to reach live pools.
"""
