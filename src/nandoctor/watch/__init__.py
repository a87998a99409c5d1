"""Rides on training: the gate's reading, the history, snapshots, the capsule."""
