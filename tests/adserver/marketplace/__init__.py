"""Tests of the marketplace as people write it."""
