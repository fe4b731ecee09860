"""The graph of one query: admit, understand, recruit, consult, aggregate, check, answer."""
