"""Feeds: files in which merchants list their products, read row by row into `Product`.

A row that cannot be one is told with its line, and the rest goes on. Never here: a database.
"""
