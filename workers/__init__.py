"""The processes that do the work: hosts, which keep models in memory and serve turns, and the run worker, which sweeps.

Celery runs here and nowhere else. Only cli imports this package.
"""
