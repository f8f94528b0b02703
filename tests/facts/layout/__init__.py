"""Tests of `docmatix.facts.layout`."""
