"""The only place that knows SQLAlchemy, Redis, and how to put a message on the broker.

`postgres` holds the truth, `valkey` the mailboxes and the escrow spent from it, `memory` honest twins of the two ports
that need a million operations in a test, `queue` the doorbell. Wiring hands these out as the ports of core.
"""
