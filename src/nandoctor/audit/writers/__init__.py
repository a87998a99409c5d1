"""One file for each form in which a repair is written. `table.py` is the one table."""
