"""Tests of docmatix.exports."""
