"""Tests of agents, and the hall they convene in."""
