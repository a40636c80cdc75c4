"""The table of planted defects fits the code, so that a long run does not find out too late."""

import ast

import pytest

from tests.defects.__main__ import TREE
from tests.defects.table import DEFECTS


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_can_be_planted(defect):
    texts = {}
    for file, old, new in defect.changes:
        text = texts.setdefault(file, (TREE / file).read_text())
        assert text.count(old) == 1, f"{file} holds {text.count(old)} times: {old}"
        texts[file] = text.replace(old, new)
    for file, text in texts.items():
        ast.parse(text, file)


def test_there_are_forty_and_no_name_is_there_twice():
    names = [defect.name for defect in DEFECTS]
    assert len(names) == len(set(names)) >= 40
