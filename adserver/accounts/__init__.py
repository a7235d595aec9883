"""Who may do what: organisations, users, sessions, keys, and what everybody changed.

Never here: HTTP, pages, tables.
"""
