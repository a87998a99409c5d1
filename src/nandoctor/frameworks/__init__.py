"""The rooms that import a framework, behind one protocol."""
