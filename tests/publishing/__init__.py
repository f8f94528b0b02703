"""Tests of `docmatix.publishing`."""
