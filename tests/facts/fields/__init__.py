"""Tests of the fields of a page."""
