"""One pass over an array for all that is counted of it, compiled."""
