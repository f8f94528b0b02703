"""Tests of `docmatix.models`."""
