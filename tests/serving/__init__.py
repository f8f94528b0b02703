"""Tests of docmatix.serving."""
