"""Tests of `docmatix.prompting`."""
