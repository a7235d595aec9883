"""The event log.

What happened, from a worker's memory to ClickHouse, counted once and never lost.

Read in this order: `outbox` (what a worker promises), `counting` (what makes an event count),
`shipper` (how it reaches the store), `schema` (what is kept), `queries` (what is asked). The one
surprising fact: nothing here prevents a row from being stored twice. Rows may come again after any
doubt, and every reader that matters drops the copies by `event_id`.
"""
