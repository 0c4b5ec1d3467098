"""Models, data sets and spaces of your own: what a plugin calls, and how one is loaded.

A plugin is a Python module that registers what it has while it is imported, by `add_model`,
`add_data` and `add_spaces` (see `examples/own_model.py`, `examples/own_data.py`). It is a
program: whoever loads one executes it, here and on every machine that trains.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.domains import Int
from study.spaces import SPACES, Space
from trainables.config import TrainConfig
from trainables.data import CLASSIFICATION, DATASETS, SEGMENTATION, DataSource, source
from trainables.errors import UserError, unknown_name
from trainables.model_check import measured
from trainables.models import MODELS, Model
from trainables.plugins import Plugin, install, uninstall

if TYPE_CHECKING:
    from torch import nn

    from trainables.data.base import Dataset

TASKS = (CLASSIFICATION, SEGMENTATION)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

_LOADED: dict[str, Plugin] = {}
_ADDED: dict[tuple[str, str], str] = {}  # (kind, name) -> the plugin's name, "" while it loads
_TABLES: dict[str, dict[str, Any]] = {"model": MODELS, "data set": DATASETS, "space": SPACES}


def add_model(
    name: str,
    summary: str,
    build: Callable[[int], nn.Module],
    *,
    task: str = CLASSIFICATION,
    side: int = 32,
) -> None:
    """Register a model. UserError for a name that is taken or a task that there is none of.

    build: from the number of classes to the module, which takes float (N, 3, H, W) and gives
    what `trainables.models.Model` says of its task: a classifier logits (N, classes), with the
    last layer called fc. side: of the images that it is measured on.
    """
    _require_task(task)
    _add("model", name, Model(name, summary, task, build, parameters=0, macs=0, side=side))


def add_data(
    name: str,
    summary: str,
    load: Callable[..., Dataset],
    *,
    task: str = CLASSIFICATION,
    image_size: tuple[int, int] = (32, 32),
    train_size: int | None = None,
    takes_directory: bool = False,
) -> None:
    """Register a data set; the arguments and what `load` takes: `trainables.data.DataSource`."""
    _require_task(task)
    entry = DataSource(
        summary,
        load,
        train_size,
        image_size,
        experiment_size=train_size,
        takes_directory=takes_directory,
        task=task,
    )
    _add("data set", name, entry)


def add_spaces(*spaces: Space) -> None:
    """Register search spaces, such as `study.spaces.pair` makes, of models known by now."""
    for space in spaces:
        for end in ("low", "default", "high"):
            values = {k: getattr(d, end, d.default) for k, d in space.dimensions.items()}
            try:
                TrainConfig.from_dict({**values, "model": space.model})
            except UserError as error:
                raise UserError(f"space {space.name!r}: {error}") from None
        if not isinstance(space.dimensions["epochs"], Int):
            raise UserError(f"space {space.name!r}: its dimension epochs must be an Int")
        does, wanted = space.task, source(space.data).task
        if does != wanted:
            raise UserError(f"space {space.name!r}: {space.data} is for {wanted}, not for {does}")
        _add("space", space.name, space)


def load(named: Iterable[str | Path]) -> tuple[Plugin, ...]:
    """Import plugins, each the name of a module or the path of a .py file; done once each.

    One whose source has changed since is imported anew. Raises UserError, with nothing of that
    plugin registered, where it cannot be found, raises, registers nothing, or breaks a rule.
    """
    return tuple(dict.fromkeys(_load(str(one)) for one in named))


def used(asked: tuple[Plugin, ...], spaces: Iterable[Space], data: str) -> tuple[Plugin, ...]:
    """The plugins that were asked for, and those that spaces, their models or data are from.

    In the order of loading, in which workers import them: a later one may need an earlier.
    """
    names = [("data set", data)]
    for space in spaces:
        names += [("space", space.name), ("model", space.model)]
    owners = {_ADDED[key] for key in names if key in _ADDED} | {plugin.name for plugin in asked}
    return tuple(plugin for name, plugin in _LOADED.items() if name in owners)


def with_plugin_hashes(spec: dict[str, Any]) -> dict[str, Any]:
    """The values of a specification with its plugins by name and hash, whatever their order.

    Without any there is no such key: runs keep the ids that they had before there were plugins.
    """
    rest = {key: value for key, value in spec.items() if key != "plugins"}
    plugins = sorted((p.to_dict() for p in spec["plugins"]), key=lambda plugin: plugin["name"])
    return {**rest, "plugins": plugins} if plugins else rest


def _add(kind: str, name: str, entry: object) -> None:
    if not _NAME.fullmatch(name):
        raise UserError(f"{kind} {name!r}: a name is 1 to 40 letters, digits, '_' or '-'")
    if name in _TABLES[kind]:
        by = f" by plugin {_ADDED[kind, name]!r}" if _ADDED.get((kind, name)) else ""
        raise UserError(f"{kind} {name!r} is registered already{by}: choose another name")
    _TABLES[kind][name] = entry
    _ADDED[kind, name] = ""


def _require_task(task: str) -> None:
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)


def _load(given: str) -> Plugin:
    plugin = _found(given)
    if _LOADED.get(plugin.name) == plugin:
        return plugin
    if before := _LOADED.pop(plugin.name, None):
        _forget(before)
    try:
        install([plugin])
        added = [key for key, by in _ADDED.items() if not by]
        if not added:
            raise UserError("it registers no model, data set or space")
        for kind, name in added:
            if kind == "model":
                MODELS[name] = measured(MODELS[name])
    except Exception as error:
        _forget(plugin)
        if isinstance(error, UserError):
            raise UserError(f"plugin {given}: {error}", error.exit_code) from error
        reason = (str(error).splitlines() or [""])[0]
        raise UserError(f"plugin {given}: {type(error).__name__}: {reason}") from error
    _ADDED.update(dict.fromkeys(added, plugin.name))
    _LOADED[plugin.name] = plugin
    return plugin


def _forget(plugin: Plugin) -> None:
    """Take away what a plugin registered, and what one that just failed did."""
    uninstall(plugin)
    for kind, name in [key for key, by in _ADDED.items() if by in ("", plugin.name)]:
        del _ADDED[kind, name], _TABLES[kind][name]


def _found(given: str) -> Plugin:
    """The plugin's source, not yet executed."""
    return _file(Path(given)) if given.endswith(".py") else _module(given)


def _file(path: Path) -> Plugin:
    if not path.is_file():
        raise UserError(f"--plugin {path}: no such file")
    path, name = path.resolve(), path.stem
    if not name.isidentifier():
        raise UserError(f"--plugin {path}: {name!r} cannot be a module's name; rename the file")
    if (other := _spec(name)) and other.origin != str(path):
        raise UserError(f"--plugin {path}: Python has a module {name!r} already; rename the file")
    return Plugin(name, ((path.name, path.read_bytes()),), str(path.parent))


def _module(name: str) -> Plugin:
    """The first package on the way to the module with all its files, or the module's one file."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        spec = _spec(".".join(parts[:depth]))
        if spec is None:
            raise UserError(
                f"--plugin {name}: no such module; give one that Python can import from this "
                "folder, or the path of a .py file"
            )
        if spec.origin is None:  # a folder without __init__.py
            continue
        file = Path(spec.origin)
        package = spec.submodule_search_locations is not None
        files = sorted(file.parent.rglob("*.py")) if package else [file]
        if file.suffix != ".py":
            break
        root = file.parents[depth if package else depth - 1]
        sources = tuple((one.relative_to(root).as_posix(), one.read_bytes()) for one in files)
        return Plugin(name, sources, str(root))
    raise UserError(f"--plugin {name}: it has no Python source")


def _spec(name: str) -> Any:
    """Where Python finds a module, None where nowhere."""
    importlib.invalidate_caches()
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return getattr(sys.modules.get(name), "__spec__", None)
