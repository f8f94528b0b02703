"""Tests of `docmatix.driver.build`."""
