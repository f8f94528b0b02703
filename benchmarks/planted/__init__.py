"""Pairs of known truth, faults planted in them, and a model that knows which: for measuring what checks find."""
