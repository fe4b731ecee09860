"""The `conclave` command: one file for each group of verbs, thin over wiring, evals and the HTTP API.

Data goes to stdout, everything else to stderr; `--json` prints one object. Imported by nobody.
"""
