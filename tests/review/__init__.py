"""Tests of `docmatix.review`."""
