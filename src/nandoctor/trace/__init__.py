"""One step as a graph of operations, and the walk to where it went wrong."""
