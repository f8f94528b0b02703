"""Tests of `docmatix.stages.support`."""
