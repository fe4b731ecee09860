"""Experts: how one is described to its provider, priced, and called.

`gateway` is the door: deadlines, fallbacks, health, cancellation and money. Behind it one transport a kind: `remote`
(any provider's API), `hosted` (a mailbox to a host), `recorded` (a replay), `tool` (a tool as an expert) and `scripted`
(faults and delays on demand). Imported by wiring and above; imports core only.
"""
