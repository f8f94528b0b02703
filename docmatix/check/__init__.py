"""The proof of a run."""
