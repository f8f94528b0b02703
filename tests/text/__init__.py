"""Tests of `docmatix.text`."""
