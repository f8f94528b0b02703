"""Tests of `docmatix.check`."""
