"""Checks that ask a model about pairs that a model wrote; one file a check."""
