"""What makes a training NaN: one file per cause, each with its documentation page."""
