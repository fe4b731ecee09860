"""The only place that knows every adapter: container, configuration, embedded servers, supervision.

Imported by the entry points (api, workers, console, cli) and by evals; imports every room below.
"""
