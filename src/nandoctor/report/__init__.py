"""A diagnosis for the terminal and as JSON."""
