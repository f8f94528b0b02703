"""Tests of `docmatix.config`."""
