"""Who is owed what: pure, standard library only.

Facts come in (orders, touches, a day's ad revenue, contracts) and amounts with their reasons go
out; `adserver.accounting` gives them a database.
"""
