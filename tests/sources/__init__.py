"""Tests of docmatix.sources."""
