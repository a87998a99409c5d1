"""The clinic as a benchmark: scripts whose fault is known, a tool that is run on each, and what it got right."""
