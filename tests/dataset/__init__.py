"""Tests of `docmatix.dataset`."""
