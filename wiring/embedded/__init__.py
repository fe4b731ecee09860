"""Real servers started from wheels, for the embedded default and for tests: PostgreSQL and Valkey.

Imported by the entry points that supervise them; imports no other room but core.
"""
