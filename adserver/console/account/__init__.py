"""Signing in, one's own account, the organisation's people and keys, and the audit log.

Never here: what organisations own.
"""
