"""Webhooks of partners and advertisers: pages and REST.

Never here: sending and watching (`adserver.webhooks`).
"""
