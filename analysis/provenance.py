"""Where a run's figures come from: command, data, code, machine."""

from __future__ import annotations

from typing import Any

from analysis.load import Run
from study.records import OPTUNA_DB
from study.words import counted, duration


def provenance(run: Run) -> list[tuple[str, str]]:
    """(term, value) pairs that let somebody else repeat the run."""
    manifest = run.manifest
    git, hardware, data = manifest.git, manifest.hardware, manifest.data
    dirty = " with uncommitted changes" if git.get("dirty") else ""
    judged = "Objective" if manifest.kind == "search" else "Tuning judged by"
    machine = [
        counted(int(hardware.get("cpus") or 0), "CPU core"),
        counted(int(hardware.get("gpus") or 0), "GPU"),
        *hardware.get("gpu_kinds", []),
        f"{hardware['memory_gib']} GiB memory for trials" if hardware.get("memory_gib") else "",
        hardware.get("processor") or "",
        hardware.get("platform") or "",
    ]
    facts = [
        ("Command", f"`{manifest.command}`"),
        ("Started", manifest.created),
        ("Wall time", duration(manifest.seconds)),
        ("Status", manifest.status),
        (judged, f"{run.objective.label}, {run.objective.direction}imised"),
        ("Seeds", ", ".join(str(seed) for seed in manifest.seeds)),
        ("Data", f"{run.data}, content hash {data.get('content_hash', 'unknown')}"),
        ("Code", f"commit {git.get('commit') or 'unknown'}{dirty}"),
        *_plugins(manifest.spec),
        ("Machine", ", ".join(part for part in machine if part)),
        ("Packages", ", ".join(f"{name} {v}" for name, v in manifest.packages.items())),
    ]
    if manifest.kind == "search":
        facts.append(("Optuna study", f"{OPTUNA_DB}, study {manifest.run_id}"))
    return facts


def _plugins(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """The user's own code that was executed, none of which the commit knows."""
    shown = [f"{one['name']}, SHA-256 {one['sha256']}" for one in spec.get("plugins", ())]
    return [("Plugins", "; ".join(shown))] if shown else []
