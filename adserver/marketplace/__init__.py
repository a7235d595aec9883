"""The marketplace as people handle it: how it is written, what may stand in it, how it travels.

Never here: where it is kept (`adserver.stores.catalog`) or what it means for an ad (`ranking`). The
one surprising fact: `buying` and `selling` hold one table of fields each, and the catalog file, the
command line, the checks and the documentation are all read from those tables.
"""
