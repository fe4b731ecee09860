"""Which experts, for this query, at this price: skills, profiles, constraints, recruiters, decisions.

Entry points: `routing.deciding.RoutingService` (the port `Recruiter`), `routing.embedding.LocalEmbedder` (the port
`Embedder`), `routing.profiles` (building, reading and writing profiles). Imported by evals and wiring; imports core.
"""
