"""Tests of `docmatix.verification`."""
