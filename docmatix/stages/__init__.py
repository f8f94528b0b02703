"""One module per stage, for its work on one shard; `docmatix.driver.workforce` has workers do it."""
