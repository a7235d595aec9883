"""What is kept: users, spend and marks in Redis, the catalog in SQL.

Never here: what any of it means for an ad (`ranking`).
"""
