"""Adapters over Valkey or Redis: mailboxes of hosted models, the directory of hosts, and the ledger's escrow.

Imported by wiring only. Each Lua script is a file of its own whose head lists the keys it owns; time is the server's.
Keys that belong together are not on one cluster slot: use a single server, with replicas if wanted.
"""
