"""Tests of docmatix.stages."""
