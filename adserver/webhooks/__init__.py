"""Webhooks: telling partners' and advertisers' programs what happened, until they have heard it.

Never here: pages, tables.
"""
