"""One module per stage, for its work on one shard; `docmatix.driver.workers` maps it over shards with Ray."""
