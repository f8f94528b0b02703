"""Measured comparisons, one command each; every table is made in one run on one machine."""
