"""The vocabulary of Conclave: values, ports, errors, settings, clock, and pure decisions shared by several rooms.

Everyone may import this package; it imports the standard library and pydantic only, and it does no I/O.
"""
