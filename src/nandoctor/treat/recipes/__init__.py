"""How each remedy is written into a user's source: one file per family of edits; `remedies.py` is the one table."""
