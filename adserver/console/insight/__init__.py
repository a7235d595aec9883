"""Insight: what a line item may expect, why it does not deliver, and who an app's users are.

For advertisers the forecast (`panel` is what their form shows) and the reasons; for partners their
audience and the industry. Never here: figures (`adserver.reports`).
"""
