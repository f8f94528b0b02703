"""Tests of docmatix.curation.filters."""
