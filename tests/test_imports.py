"""Who may import whom (ARCHITECTURE.md), read from the source: late imports count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What the analysis may know of a study: the records and the words they are written in.
SHARED = {
    f"study.{name}"
    for name in (
        "records",
        "journal_file",
        "run_tables",
        "metrics",
        "domains",
        "distributions",
        "spaces",
        "arms",
        "claims",
        "claim_types",
        "claim_checks",
        "words",
    )
} | {"study.claims_toml", "study.decidability", "study.exits", "study.stored"}

# Package -> what it must not import, and the modules that alone may.
FORBIDDEN: dict[str, dict[str, set[str]]] = {
    "trainables": {
        "study": set(),
        "analysis": set(),
        "ray": {"trainables/ray_train.py"},
        "optuna": set(),
        "wandb": set(),
    },
    "study": {
        "analysis": {"study/stage.py"},  # one late call hands a finished run to the report
        "ray": {
            f"study/{name}.py"
            for name in (
                *("cluster", "autoscaler", "loopback", "ray_signals"),
                *("orchestrate", "retries", "groups"),
                *("asha", "search", "cells", "tensorboard"),
            )
        },
        "optuna": {f"study/{name}.py" for name in ("search", "database", "distributions")},
        "torch": set(),
        "wandb": {"study/wandb_runs.py"},
        "study.wandb_runs": {"study/publish.py"},
    },
    "analysis": {
        "torch": set(),
        "ray": set(),
        "optuna": {"analysis/importance.py"},
        "wandb": set(),
    },
}


def imports(source: str) -> Iterator[str]:
    """Dotted names of everything a module imports at run time, late imports included."""
    for node in _runtime_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    for child in node.orelse if typing_only else ast.iter_child_nodes(node):
        yield from _runtime_nodes(child)


def violations(package: str, path: str, source: str) -> list[str]:
    """What a module of `package` imports although it must not."""
    found = []
    for name in imports(source):
        for forbidden, allowed in FORBIDDEN[package].items():
            if f"{name}.".startswith(f"{forbidden}.") and path not in allowed:
                found.append(f"{path} imports {name}")
        if package == "analysis" and name.startswith("study."):
            module = ".".join(name.split(".")[:2])
            if module not in SHARED:
                found.append(f"{path} imports {name}")
    return found


def violations_below(root: Path, package: str) -> list[str]:
    """Those of every module of a package."""
    found = []
    for path in sorted((root / package).rglob("*.py")):
        found += violations(package, path.relative_to(root).as_posix(), path.read_text())
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_module_imports_what_it_must_not(package: str) -> None:
    assert violations_below(ROOT, package) == []


def test_a_module_planted_anywhere_in_a_package_is_found(tmp_path: Path) -> None:
    (tmp_path / "study" / "deep").mkdir(parents=True)
    (tmp_path / "study" / "deep" / "x.py").write_text("def f():\n    import torch")
    assert violations_below(tmp_path, "study") == ["study/deep/x.py imports torch"]


@pytest.mark.parametrize(
    ("package", "path", "source"),
    [
        ("trainables", "trainables/x.py", "from study import records"),
        ("trainables", "trainables/x.py", "def f():\n    import ray"),
        ("study", "study/x.py", "def f():\n    from analysis.report import write_report"),
        ("study", "study/x.py", "import optuna"),
        ("study", "study/x.py", "import torch.nn"),
        ("study", "study/tracking.py", "def f():\n    import wandb"),
        ("study", "study/tracking.py", "from study import wandb_runs"),
        ("study", "study/tracking.py", "from study.wandb_runs import Runs"),
        ("analysis", "analysis/x.py", "from study.orchestrate import run_trials"),
        ("analysis", "analysis/x.py", "from study import explore"),
        ("analysis", "analysis/x.py", "import torch"),
    ],
)
def test_a_planted_violation_is_found(package: str, path: str, source: str) -> None:
    assert violations(package, path, source)


def test_imports_for_type_checking_only_are_no_violation() -> None:
    source = "if TYPE_CHECKING:\n    import torch\nelse:\n    import os"
    assert list(imports(source)) == ["os"]
