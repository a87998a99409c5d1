"""Where the clinic's images come from. Nothing here imports a framework: wrong data is refused before one is loaded."""
