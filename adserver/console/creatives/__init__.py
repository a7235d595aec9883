"""Creatives: files checked and kept, creatives made of them, review, bulk upload, serving files."""
