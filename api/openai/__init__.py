"""The routes an OpenAI client calls: chat completions, models, embeddings, and `/v1/route` in the same shape.

Imported by `api.app` only.
"""
