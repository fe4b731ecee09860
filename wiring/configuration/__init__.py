"""conclave.yaml as one frozen value: read, validated as a whole at boot, explained by file, line and key when wrong.

`loading` is the way in; the entry points and the container use it and `values`.
"""
