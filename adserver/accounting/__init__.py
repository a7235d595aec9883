"""Facts become ledger transactions here: orders, days of ad revenue, closings, payouts.

Each is one database transaction over the pure rules of `affiliate` and the tables of `stores`.
Begin reading at `orders.OrderDesk.take`, `advertising.accrue_day`, `closing.Closings.close` and
`payouts.Payouts.batch`. Never here: HTTP, printing, or a rule about money.
"""
