"""The operators' room: partners, merchants, money, models, and the switches that stop all of it.

Never here: what an owner does on its own pages; operators use those as they are.
"""
