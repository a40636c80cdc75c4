"""Every issue that is raised belongs to an area, so that somebody can choose to hear of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import syncd
from syncd.domain.issue_kinds import AREAS, URGENT


def raised_kinds() -> Iterator[str]:
    """The kinds that stand in calls of `raise_issue`, by themselves or as a constant of their module."""
    for file in Path(syncd.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text())
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "raise_issue":
                (kind,) = (keyword.value for keyword in node.keywords if keyword.arg == "kind")
                for leaf in ast.walk(kind):
                    if isinstance(leaf, ast.Constant):
                        yield leaf.value
                    elif isinstance(leaf, ast.Name) and leaf.id in constants:
                        yield constants[leaf.id]


def test_every_kind_that_is_raised_has_an_area_and_no_other_has():
    assert set(raised_kinds()) == set(AREAS)


def test_what_is_urgent_is_a_kind():
    assert set(AREAS) >= URGENT
