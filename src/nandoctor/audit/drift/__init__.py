"""What has changed between two profiles: a file for each kind of change; `chance.py` says what chance alone does."""
