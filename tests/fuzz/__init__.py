"""Hostile input: `python -m tests.fuzz --seconds 60` throws mutated messages at every parser and every address."""
