"""The tree is the architecture: who may import whom, and a few habits that no linter knows.

Read from the source, nothing is imported. A part that does not exist yet breaks no rule.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("schema", "connectors", "syncd", "cli")
FOUNDATIONS = ("syncd.clock", "syncd.config", "syncd.errors")
BELOW_WEB = ("schema", "connectors.sdk", "syncd.domain", "syncd.engine", *FOUNDATIONS)

# What each part may import of ours, besides itself. The longest name that fits a module counts; a module of `syncd`
# that fits none has to be entered here, with thought.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "schema": (),
    "connectors": (),
    "connectors.sdk": (),
    "syncd.clock": (),
    "syncd.errors": (),
    "syncd.config": ("syncd.errors",),
    "syncd.log": ("syncd.config",),
    "syncd.domain": ("connectors.sdk",),
    "syncd.engine": ("schema", "connectors.sdk", "syncd.domain", *FOUNDATIONS),
    "syncd.web": BELOW_WEB,
    "syncd.daemon": (*BELOW_WEB, "syncd.web"),
    "syncd.sandbox": (),
    "syncd.demo": ("syncd.sandbox",),
    "syncd.app": OURS,
    "syncd.cli": ("schema", "connectors.sdk", "syncd"),
    "cli": ("syncd",),
}

# Where a library may be imported at all.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "httpx": ("connectors.sdk", "syncd.sandbox", "syncd.demo"),
    "requests": (),
    "urllib3": (),
    "urllib.request": (),
    "shopify": ("connectors.shopify.client", "connectors.shopify.auth"),
    "pyactiveresource": ("connectors.shopify.client", "connectors.shopify.auth"),
    "woocommerce": ("connectors.woocommerce.client", "connectors.woocommerce.auth"),
}

# The domain computes: what would make it see the world, or the moment, stays out.
IMPURE = (
    *(
        "asyncio",
        "fastapi",
        "http",
        "httpx",
        "io",
        "logging",
        "os",
        "pathlib",
        "psycopg",
        "random",
        "secrets",
        "socket",
    ),
    *("sqlalchemy", "sqlite3", "sqlmodel", "starlette", "structlog", "subprocess", "threading", "time", "urllib"),
)
PLATFORMS = {"shopify", "woocommerce", "prokip"}
MAY_NAME_PLATFORMS = (
    "connectors.shopify",
    "connectors.woocommerce",
    "connectors.prokip",
    "syncd.sandbox",
    "syncd.demo",
    "syncd.cli",
    "cli",
)
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


def is_within(name: str, parts: tuple[str, ...]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def source_files() -> list[Path]:
    return [path for part in OURS for path in [*ROOT.glob(f"{part}.py"), *sorted((ROOT / part).rglob("*.py"))]]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def allowed(module: str) -> tuple[str, ...]:
    """What the module may import of ours, itself included; KeyError for one that is in no table."""
    first, *rest = module.split(".")
    if first == "connectors" and rest and rest[0] != "sdk":
        return (f"connectors.{rest[0]}", "connectors.sdk")
    part = max((part for part in MAY_IMPORT if is_within(module, (part,))), key=len, default=None)
    if part is None and module != "syncd":
        raise KeyError(f"{module} is in no line of MAY_IMPORT: say there what it may import")
    return () if part is None else (part, *MAY_IMPORT[part])


def wrong_imports(module: str, tree: ast.Module) -> list[str]:
    found = list(imports(tree))
    wrong = [name for name in found if is_within(name, OURS) and not is_within(name, allowed(module))]
    wrong += [
        name
        for name in found
        for library, places in ONLY_IN.items()
        if is_within(name, (library,)) and not is_within(module, places)
    ]
    if is_within(module, ("syncd.domain",)):
        wrong += [name for name in found if is_within(name, IMPURE)]
    return wrong


def compared_platforms(tree: ast.Module) -> list[str]:
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare | ast.MatchValue)]
    constants = [part for node in compared for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return [f"line {part.lineno}: {part.value}" for part in constants if part.value in PLATFORMS]


def clock_readings(tree: ast.Module) -> list[ast.Call]:
    names = {"now", "utcnow", "today", "utcfromtimestamp"}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [
        call
        for call in calls
        if call.func.attr in names and ast.unparse(call.func.value).endswith(("datetime", "date"))
    ]


FILES = pytest.mark.parametrize("path", source_files(), ids=module_name)


@FILES
def test_a_module_imports_only_what_its_place_allows(path):
    assert wrong_imports(module_name(path), parse(path)) == []


@FILES
def test_no_platform_is_asked_for_by_name_outside_its_folder(path):
    if not is_within(module_name(path), MAY_NAME_PLATFORMS):
        assert compared_platforms(parse(path)) == []


@FILES
def test_no_time_is_read_without_a_zone_and_none_at_all_in_the_domain(path):
    readings = clock_readings(parse(path))
    if not is_within(module_name(path), ("syncd.domain",)):
        readings = [
            call for call in readings if not (call.args or call.keywords) or call.func.attr == "utcfromtimestamp"
        ]
    assert [f"line {call.lineno}: {ast.unparse(call)}" for call in readings] == []


def test_every_file_name_says_what_is_in_it():
    python_files = [*source_files(), *(ROOT / "tests").rglob("*.py")]
    parts = {part for path in python_files for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & NAMES_THAT_SAY_NOTHING == set()


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("schema.tables", "from syncd.domain.orders import movements", ["syncd.domain.orders.movements"]),
        ("connectors.sdk.http", "import httpx", []),
        ("connectors.custom.client", "import httpx", ["httpx"]),
        ("connectors.shopify.client", "import shopify", []),
        ("connectors.shopify.translate", "from shopify import Session", ["shopify.Session"]),
        ("connectors.shopify.connector", "from connectors.woocommerce import auth", ["connectors.woocommerce.auth"]),
        ("connectors.shopify.connector", "from connectors.sdk.values import Listing", []),
        ("syncd.domain.orders", "def f():\n    import time", ["time"]),
        ("syncd.engine.push", "from syncd import clock, web", ["syncd.web"]),
        ("syncd.web.pages", "from syncd.engine import push", []),
        ("syncd.sandbox.wire", "from connectors.sdk import values", ["connectors.sdk.values"]),
        ("cli", "from schema import tables", ["schema.tables"]),
    ],
)
def test_the_table_of_imports_tells_right_from_wrong(module, source, wrong):
    assert wrong_imports(module, ast.parse(source)) == wrong
