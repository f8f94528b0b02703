"""Tests of `docmatix.cli`."""
