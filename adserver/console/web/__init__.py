"""The console's own small framework: calls, replies, sessions, forms, the look.

Never here: what any page is about.
"""
