"""Tests of `docmatix.facts`."""
