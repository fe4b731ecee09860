"""The questions experts are measured on, and questions that only look like arithmetic.

`default.jsonl` builds the profiles that ship, `reading` reads such files; `lookalikes` and `afterthoughts` hold what an
exact calculator must decline. Imported by the rest of evals, and by cli.
"""
