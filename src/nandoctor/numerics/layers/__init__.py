"""Layers that stay finite on constant images, constant columns and batches of one."""
