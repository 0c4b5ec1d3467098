"""Weights & Biases beside a run: whether, and the process that does it.

`study.publish` runs in a process of its own and reads the run directory, so that no training
ever waits for W&B: neither for its import (seconds) nor for a network that is away. It is told
nothing but that the run has ended.
"""

from __future__ import annotations

import configparser
import contextlib
import netrc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from study.handover import FOLDER, outstanding
from trainables.errors import UserError, unknown_name
from trainables.patience import Say

AUTO, ONLINE, OFFLINE, OFF = "auto", "online", "offline", "off"
MODES = (AUTO, ONLINE, OFFLINE, OFF)
LOG = "publish.log"  # in the run's FOLDER: what W&B and the publishing process have to say
PROJECT = "crossover"

# Seconds that a run waits at its end for what is not handed over yet.
PATIENCE, PATIENCE_INTERRUPTED = 90.0, 30.0
SILENT = 10.0  # of them without a word

_HOSTS = ("api.wandb.ai", "api.forge.coreweave.com")  # W&B's own, by its two names
KEYS = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
# Of the environment's WANDB_* only who and where: the others are about one single run.
_ACCOUNT = (
    *KEYS,
    *("WANDB_BASE_URL", "WANDB_APP_URL", "WANDB_ENTITY", "WANDB_PROJECT", "WANDB_CONFIG_DIR"),
    *("WANDB_CREDENTIALS_FILE", "WANDB_INSECURE_DISABLE_SSL"),
)


@dataclass(frozen=True)
class Tracking:
    """What is done about W&B: ONLINE, OFFLINE or OFF, and the line that says so."""

    mode: str
    line: str


def decide(asked: str) -> Tracking:
    """What `--wandb` means here; UserError for an unknown mode, or ONLINE without a key.

    AUTO is what WANDB_MODE says, else online where a key is configured, else off.
    """
    if asked not in MODES:
        raise unknown_name("--wandb mode", asked, MODES)
    if asked == OFF:
        return Tracking(OFF, "W&B: off")
    if asked == OFFLINE:
        return _offline()
    if asked == AUTO:
        said = os.environ.get("WANDB_MODE", "").lower()
        if said in ("offline", "dryrun"):
            return _offline()
        if said == "disabled":
            return Tracking(OFF, "W&B: off (WANDB_MODE is disabled)")
        if not key_is_configured():
            return Tracking(OFF, "W&B: off (no key is configured)")
    elif not key_is_configured():
        raise UserError(
            "--wandb online: no key is configured; run `wandb login` or set WANDB_API_KEY, or "
            "choose --wandb offline"
        )
    return Tracking(ONLINE, f"W&B: online, project {os.environ.get('WANDB_PROJECT') or PROJECT}")


def _offline() -> Tracking:
    return Tracking(OFFLINE, f"W&B: offline, kept in the run's {FOLDER}/ for `wandb sync`")


def key_is_configured() -> bool:
    """Whether W&B would find a key without asking: in the environment or in netrc."""
    if any(os.environ.get(name) for name in KEYS):
        return True
    base = os.environ.get("WANDB_BASE_URL") or _configured_url()
    hosts = {urlsplit(base).netloc} if base else set(_HOSTS)
    if hosts & set(_HOSTS):
        hosts |= set(_HOSTS)
    named = os.environ.get("NETRC")
    for path in [Path(named)] if named else [Path.home() / ".netrc", Path.home() / "_netrc"]:
        with contextlib.suppress(OSError, netrc.NetrcParseError):
            return bool(hosts & set(netrc.netrc(str(path)).hosts))
    return False


def _configured_url() -> str:
    """The server that `wandb login --host` wrote into W&B's settings file."""
    folder = os.environ.get("WANDB_CONFIG_DIR") or Path.home() / ".config" / "wandb"
    settings = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError):
        settings.read(Path(folder) / "settings")
    return settings.get("default", "base_url", fallback="")


@contextlib.contextmanager
def tracked(run: Path, tracking: Tracking, say: Say) -> Iterator[None]:
    """Hand the run to W&B while the context lasts; leaving it waits a bounded time."""
    say(tracking.line)
    if tracking.mode == OFF:
        yield
        return
    publisher = _start(run, tracking.mode)
    reader = threading.Thread(target=_pass_on, args=(publisher, say), daemon=True)
    reader.start()
    patience = PATIENCE_INTERRUPTED
    try:
        yield
        patience = PATIENCE
    finally:
        code = _finish(publisher, patience, say)
        reader.join()
        if code:
            log = run / FOLDER / LOG
            say(f"W&B: not everything was handed over (see {log}); the same command goes on")


def hand_over(run: Path, tracking: Tracking, say: Say) -> None:
    """Hand a run that has ended to W&B, where there is something it has not got."""
    if tracking.mode != OFF and outstanding(run):
        with tracked(run, tracking, say):
            pass


def _start(run: Path, mode: str) -> subprocess.Popen[str]:
    """The publishing process, in a session of its own: ^C is ours to deal with."""
    root = str(Path(__file__).resolve().parents[1])
    (run / FOLDER).mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "study.publish", str(run.resolve()), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env=_environment(run.resolve() / FOLDER, mode, root),
    )


def _environment(folder: Path, mode: str, root: str) -> dict[str, str]:
    """Ours, with nothing of W&B's but the account; without its keys where none is needed."""
    left_out = () if mode == ONLINE else KEYS
    kept = {
        name: value
        for name, value in os.environ.items()
        if (not name.startswith("WANDB_") or name in _ACCOUNT) and name not in left_out
    }
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "WANDB_CACHE_DIR": str(folder / "cache"),
        "WANDB_DATA_DIR": str(folder / "data"),
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_SILENT": "true",
    }


def _pass_on(publisher: subprocess.Popen[str], say: Say) -> None:
    assert publisher.stdout
    with publisher.stdout:
        for line in publisher.stdout:
            say(line.rstrip("\n"))


def _finish(publisher: subprocess.Popen[str], patience: float, say: Say) -> int:
    """Close its input, the sign that the run has ended, and wait; its exit code."""
    assert publisher.stdin
    with contextlib.suppress(BrokenPipeError):
        publisher.stdin.close()
    silent = min(SILENT, patience)
    with contextlib.suppress(subprocess.TimeoutExpired):
        return publisher.wait(silent)
    try:
        if patience > silent:
            say(f"waiting for W&B, {patience - silent:.0f} s at most")
        return publisher.wait(patience - silent)
    except subprocess.TimeoutExpired:
        publisher.kill()
        return publisher.wait()
