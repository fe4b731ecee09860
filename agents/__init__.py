"""How thoughts become an answer: the orchestrator graph, aggregators, and the metered pass-through.

Imported by wiring and the entry points; is handed every model call, recruiter and store as a port. The only room,
with storage's checkpoints, that knows LangGraph.
"""
