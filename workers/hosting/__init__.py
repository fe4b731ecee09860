"""A model host: finding and checking weights, engines in processes of their own, memory, turns.

Bindings of engines are imported here and nowhere else.
"""
