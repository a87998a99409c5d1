"""One file for each format: what it is recognised by, and how its rows are read. `table.py` is the one table."""
