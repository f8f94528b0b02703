"""The stages. Each module has the work of one stage on one shard; `docmatix.runner` maps it over shards with Ray."""
