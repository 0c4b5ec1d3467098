"""Files from elsewhere load without executing anything: by rule in the source, and tried."""

from __future__ import annotations

import ast
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from analysis.experiment.predictions import Misfit
from analysis.experiment.predictions import _read as read_predictions
from analysis.plots.samples import _read as read_samples
from study import records, run_tables
from study.cell_evidence import read_evidence
from tests.study.commands import ROOT
from trainables.checkpoint import STATE, CheckpointStore
from trainables.data.cache import _read as read_cached
from trainables.errors import UserError
from trainables.storage import Folder

# Imported by name, they would be called without their module's.
UNNAMED = {("torch", "load"), ("numpy", "load"), ("pandas", "read_pickle"), ("os", "system")}
PICKLING = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
CALLS_WITH = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
NEVER = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "pd.read_pickle"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "torch.jit.load", "torch.package"),
}


def executing(source: str) -> Iterator[str]:
    """What in a module's source could execute a file that it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names = [module + alias.name for alias in node.names]
            yield from (f"imports {name}" for name in names if PICKLING & {*name.split(".")})
            yield from (f"imports {name}" for name in names if tuple(name.split(".")) in UNNAMED)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func).replace("numpy.", "np.").replace("pandas.", "pd.")
            keyword, safe = CALLS_WITH.get(name, (None, None))
            given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            pickling = PICKLING & {*name.split(".")[:-1]}
            if name in NEVER or pickling or (keyword and given.get(keyword) is not safe):
                yield f"calls {ast.unparse(node)}"
            if given.get("shell"):
                yield f"calls a shell: {ast.unparse(node)}"


def test_the_source_reads_nothing_that_executes() -> None:
    found = {
        f"{path.relative_to(ROOT)} {what}"
        for package in ("study", "trainables", "analysis", "benchmarks")
        for path in (ROOT / package).rglob("*.py")
        for what in executing(path.read_text())
    }
    assert found == {
        # Its exception is caught there, where torch's own `weights_only` loader raises it.
        "trainables/models.py imports pickle",
        # What this very run's Tune has written of an exception a moment ago, to a directory of its
        # own on this machine: whoever could change it could change the program as well.
        "study/retries.py calls ray.cloudpickle.load(file)",
    }
    assert (ROOT / "trainables/models.py").read_text().count("pickle.") == 1


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "def f():\n    from cloudpickle import loads",
        "from ray import cloudpickle",
        "import ray.cloudpickle as c",
        "from ray.cloudpickle import loads",
        "import ray\nray.cloudpickle.load(file)",
        "from torch import load",
        "from numpy import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path)",
        "import numpy\nnumpy.load(path, allow_pickle=True)",
        "np.load(path, 'r', True)",
        "yaml.load(text, Loader)",
        "eval(text)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "pd.read_pickle(path)",
    ],
)
def test_the_rule_would_notice(planted: str) -> None:
    assert list(executing(planted))


class Bomb:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def bomb(tmp_path: Path) -> Bomb:
    return Bomb(tmp_path / "went_off")


@pytest.fixture(autouse=True)
def nothing_goes_off(bomb: Bomb) -> Iterator[None]:
    yield
    assert not bomb.mark.exists(), "a file was executed"


def test_the_bomb_goes_off_where_it_is_let(bomb: Bomb) -> None:
    pickle.loads(pickle.dumps(bomb))
    assert bomb.mark.exists()
    bomb.mark.unlink()


def test_a_state_that_would_execute_counts_as_damaged(tmp_path: Path, bomb: Bomb) -> None:
    """So the training starts anew."""
    torch.save({"config": {}, "model": bomb}, tmp_path / STATE)
    assert CheckpointStore(Folder(str(tmp_path))).load() is None


def test_best_weights_that_would_execute_are_refused(tmp_path: Path, bomb: Bomb) -> None:
    """By the way to load them that the README names."""
    torch.save({"weight": bomb}, tmp_path / records.BEST_WEIGHTS)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(tmp_path / records.BEST_WEIGHTS, weights_only=True)


@pytest.fixture
def arrays(tmp_path: Path, bomb: Bomb) -> Path:
    """An `.npz` with every name that a reader asks for, each a pickle."""
    path = tmp_path / "arrays.npz"
    names = ("test_probabilities", "test_labels", "images", "strengths", "labels")
    np.savez(path, **{name: np.array([bomb], dtype=object) for name in names})
    return path


def test_predictions_that_would_execute_are_left_out(arrays: Path) -> None:
    with pytest.raises(Misfit, match="damaged"):
        read_predictions(arrays, lambda found: found["test_labels"])


def test_samples_that_would_execute_are_left_out(arrays: Path) -> None:
    with pytest.raises(UserError, match=r"is damaged \(Object arrays cannot be loaded"):
        read_samples(arrays)


def test_cached_data_that_would_execute_is_made_anew(arrays: Path) -> None:
    assert read_cached(arrays) is None


def test_evidence_that_would_execute_is_refused(arrays: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        read_evidence(arrays, ["a", "b"])


@pytest.mark.parametrize("name", ["arrow_pickled_object", "arrow_tensor_v2"])
def test_a_table_of_rays_types_is_refused_where_ray_is_loaded(
    tmp_path: Path, bomb: Bomb, name: str
) -> None:
    """Ray registers types whose values, or (before 2.55) whose parameters, are pickles."""
    import ray.data  # noqa: F401

    payload = pickle.dumps(bomb)
    values = pa.array([payload], pa.large_binary())
    if name == "arrow_tensor_v2":
        values = pa.array([[1]], pa.large_list(pa.int64()))
    said = {"ARROW:extension:name": f"ray.data.{name}", "ARROW:extension:metadata": payload}
    for length in range(1, 4):  # the schema is in base64
        field = pa.field("x" * length, values.type, metadata=said)
        pq.write_table(pa.table([values], schema=pa.schema([field])), tmp_path / "epochs.parquet")
        with pytest.raises(UserError, match="columns of types that no run writes"):
            str(run_tables.read(tmp_path / "epochs.parquet"))
