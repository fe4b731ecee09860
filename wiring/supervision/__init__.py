"""Keeping the processes of one installation running: started in order, restarted within a budget, stopped in reverse.

Imported by cli, and by the entry points for `parent`; knows processes and files, and no other room but core.
"""
