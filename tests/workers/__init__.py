"""Tests of model hosts and the run worker: real engines, real stores, real processes."""
