"""Tests of the whole service, on real local models."""
