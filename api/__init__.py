"""The HTTP surface: the OpenAI routes, runs and their events, health and metrics. The only room that knows FastAPI.

Imported by the command line and by the process that serves; it talks to everything else through `wiring.container`.
"""
