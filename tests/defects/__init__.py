"""Defects planted one by one into a copy of the tree, to see that something catches each: `python -m tests.defects`."""
