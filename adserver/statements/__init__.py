"""Statements as people get them: a page to read and print, and a table for a spreadsheet.

Never here: what a statement says (`affiliate.statement`), the database, or a clock. The same
closed month gives the same bytes whenever it is written.
"""
