"""The partners' room: what they earned and why, their apps, links, statements and payouts."""
