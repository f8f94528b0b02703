"""vLLM replicas: processes on Ray nodes, supervised and restarted."""
