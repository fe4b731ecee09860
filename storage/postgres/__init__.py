"""Adapters over PostgreSQL: runs and events, usage, profiles, keys, and the true state of every account.

Imported by wiring only. Every connection comes from `database.Database`; the schema from `storage.migrations`.
"""
