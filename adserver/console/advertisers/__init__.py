"""The advertisers' room: money, campaigns, line items, what they deliver, and postbacks."""
