"""Reads of the catalogue live in selectors, writes in services; databases are told apart by their engines."""

import ast
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "backend" / "apps" / "backup"
KEPT_TOGETHER = {
    # Parts of a claim: they go by the token that the service gave out.
    "job_cancel_reason",
    "operation_cancel_reason",
    "operations_dead",
    # Kills processes, which is an effect, though none on rows.
    "job_kill_overdue",
    # Rows of another application, known to one module.
    "owned_rows",
    "owned_names",
    # Opens a repository and refuses as the write would.
    "open_for_plan",
}
WRITES = {"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}


def modules(package: str) -> list[Path]:
    return sorted(path for path in (APP / package).glob("*.py") if path.name != "__init__.py")


def called_in(node: ast.AST) -> set[str]:
    """The names of the functions and methods that are called in a piece of code."""
    called = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
    methods = {one.attr for one in called if isinstance(one, ast.Attribute)}
    return methods | {one.id for one in called if isinstance(one, ast.Name)}


def test_a_selector_writes_nothing():
    writing = {path.stem: called_in(ast.parse(path.read_text())) & WRITES for path in modules("selectors")}
    assert {name: found for name, found in writing.items() if found} == {}


def reaches(functions: dict[str, ast.FunctionDef], names: set[str]) -> set[str]:
    """The functions that call one of these, directly or through each other."""
    found = {name for name, function in functions.items() if called_in(function) & names}
    while more := {name for name, one in functions.items() if name not in found and called_in(one) & found}:
        found |= more
    return found


def test_a_public_function_of_a_service_that_reads_rows_also_writes():
    trees = [ast.parse(path.read_text()) for path in modules("services")]
    functions = {one.name: one for tree in trees for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    parts = {name: list(ast.walk(one)) for name, one in functions.items()}
    asking = {name for name, all_of in parts.items() if any(getattr(part, "attr", "") == "objects" for part in all_of)}
    reading = {name for name in reaches(functions, asking) | asking if not name.startswith("_")}
    assert reading - reaches(functions, WRITES) == KEPT_TOGETHER


VENDORS = {"postgresql", "mysql", "sqlite", "oracle", "mariadb"}


def test_vendors_of_databases_are_named_by_their_engines_alone():
    naming = set()
    for path in APP.rglob("*.py"):
        literals = {one.value for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Constant)}
        if "engines" not in path.parts and VENDORS & literals:
            naming.add(str(path.relative_to(APP)))
    # The kinds of components in journals that are on disks already; and a trait that Django gives no name, asked by
    # the selectors, which lie below the engines.
    assert naming == {"restores/journal.py", "core/database_traits.py"}
