"""The control plane.

One process that owns the event store, the SQL catalog and everything that takes long.

Start reading at `plane`. Never here: answering an app. The one surprising fact: ads do not need it.
While it is away workers serve on, and what they have to say waits in their outboxes.
"""
