"""Files that strangers upload: looked at, made anew without what was hidden in them, kept by hash.

Never here: who owns a file, or whether it may be shown.
"""
