"""Tests of storage, on real PostgreSQL and Valkey."""
