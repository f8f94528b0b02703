"""The tests: sentences that mirror the package."""
