"""Helpers for tests: contract of backends, memory backend, fault injection, broken repositories, trees as literals."""
