"""Tests of `docmatix.core`."""
