"""The ground floor.

The nouns everybody speaks (`domain`) and what was learned from the log (`ctr`).
"""
