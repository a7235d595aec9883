"""Tests of product feeds: every format, and every dirt that came with one."""
