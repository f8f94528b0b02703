"""Tests of `docmatix.pdf`."""
