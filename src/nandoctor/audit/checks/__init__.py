"""One file for each thing that is looked for. `table.py` is the one table."""
