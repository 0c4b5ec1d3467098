"""A plugin: source of a user's own, carried to every process that trains and imported there.

It is imported from memory, on the driver too: what is executed is what the run id has the hash
of, on machines that lack the file, and although somebody edits it meanwhile.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType


@dataclass(frozen=True)
class Plugin:
    """A module that registers models, data sets and spaces when it is imported.

    name: what it is imported as. files: (path, source) of the module's file, or of all files of
    the package that it is in; paths lie below `root`, the folder they were read from.
    """

    name: str
    files: tuple[tuple[str, bytes], ...]
    root: str = field(compare=False)

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 over the paths and sources."""
        return hashlib.sha256(repr(self.files).encode()).hexdigest()

    def to_dict(self) -> dict[str, str]:
        """What a run id and a manifest have of it: nothing of where it lies."""
        return {"name": self.name, "sha256": self.sha256}


class _Source(SourceFileLoader):
    """Loads one module from the source that travelled, under the path that it came from."""

    def __init__(self, name: str, path: str, data: bytes) -> None:
        super().__init__(name, path)
        self.data = data

    def get_data(self, path: str) -> bytes:
        """The source; OSError for anything else, such as bytecode that Python may have kept."""
        if path != self.path:
            raise OSError(path)
        return self.data

    def path_stats(self, path: str) -> dict[str, float]:
        """OSError, so that no bytecode of a file with this path is taken or left."""
        raise OSError(path)


class _Finder(MetaPathFinder):
    """Finds the modules of one plugin."""

    def __init__(self, plugin: Plugin) -> None:
        self.sources = {os.path.join(plugin.root, path): data for path, data in plugin.files}
        self.root = plugin.root

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        place = os.path.join(self.root, *fullname.split("."))
        for file in (f"{place}.py", os.path.join(place, "__init__.py")):
            if file in self.sources:
                loader = _Source(fullname, file, self.sources[file])
                return spec_from_file_location(fullname, file, loader=loader)
        if any(file.startswith(place + os.sep) for file in self.sources):
            # A folder without __init__.py, which this machine may lack, or have more in.
            own = ModuleSpec(fullname, None, is_package=True)
            return PathFinder.find_spec(fullname, path) or own
        return None


_FINDERS: dict[str, _Finder] = {}


def install(plugins: Iterable[Plugin]) -> None:
    """Import each plugin that this process has not imported yet; whatever it raises passes."""
    for plugin in plugins:
        if plugin.name not in sys.modules:
            _FINDERS[plugin.name] = _Finder(plugin)
            sys.meta_path.insert(0, _FINDERS[plugin.name])
            importlib.import_module(plugin.name)


def uninstall(plugin: Plugin) -> None:
    """Forget the modules of a plugin, so that a later version of it can be imported."""
    finder = _FINDERS.pop(plugin.name, None)
    if finder is not None:
        sys.meta_path.remove(finder)
    known = {os.path.join(plugin.root, path) for path, _ in plugin.files}
    for name, module in list(sys.modules.items()):
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if isinstance(loader, _Source) and loader.path in known:
            del sys.modules[name]
