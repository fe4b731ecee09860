"""In-memory twins of the ledger and the mailbox: the same promises, kept by plain code in one process.

For tests that need a million operations and for simulations; never for a service.
"""
