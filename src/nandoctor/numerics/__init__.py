"""Pieces with which a model does not go NaN in the first place; on `keras`, and the same on each of its backends."""
