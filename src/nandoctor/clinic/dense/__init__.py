"""The three small examples of article C, done right, with faults that can be switched on."""
