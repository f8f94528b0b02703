"""The stages. Each module has the work of one stage on one shard; `docmatix.driver.workers` maps it over shards with
Ray."""
