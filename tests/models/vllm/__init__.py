"""Tests of `docmatix.models.vllm`."""
