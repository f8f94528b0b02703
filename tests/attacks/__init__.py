"""Attacks on the project, each of which got in once or might have."""
