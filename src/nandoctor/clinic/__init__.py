"""Small real trainings with a known fault."""
