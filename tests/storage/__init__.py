"""Tests of `docmatix.storage`."""
