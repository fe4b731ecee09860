"""Hosts and the models on them, for those who operate them: looking, and leaving orders.

Orders are taken by hosts with their next beat, each second; an answer of 202 says that they were left.
"""
