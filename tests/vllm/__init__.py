"""Tests with the real vLLM on the CPU: `make test-vllm` runs them, other runs skip them."""
