"""Evidence from trace, history and data, weighed into ranked diagnoses."""
