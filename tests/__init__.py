"""Tests mirror the source; `journeys/` cross the whole house and `house/` holds its style."""
