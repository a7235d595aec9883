"""Which ad to show: pure functions over arrays; numpy and numba only.

Start reading at `ranking.decision`.
"""
