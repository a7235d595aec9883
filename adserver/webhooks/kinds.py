"""What webhooks can tell, and to whom.

Never here: who sees that it happened (`watching`, and `stores.webhooks.announce`).
"""

TEST = "test"
ADVERTISER_KINDS = (
    "creative.reviewed",
    "line_item.ended",
    "budget.used_80",
    "budget.used_100",
    "top_up.confirmed",
)
PARTNER_KINDS = (
    "commission.changed",
    "statement.closed",
    "payout.made",
    "payout.paid",
    "payout.failed",
)
KINDS = {"advertiser": ADVERTISER_KINDS, "partner": PARTNER_KINDS}
"""By role; the others have none."""
