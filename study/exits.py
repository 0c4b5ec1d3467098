"""How every command ends: one line for what the user can mend, and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import shlex
import sys
import threading
from typing import NoReturn

import click

from study.interrupts import take_sigterm_for_interrupt
from trainables.errors import FAILED, MISUSE, UserError

INTERRUPTED = 130
GRACE = 10.0  # seconds for what libraries do when a process ends


def start(command: click.Command, module: str) -> NoReturn:
    """Run a command to its exit code: 0 done, 1 failed, 2 misuse, 130 interrupted.

    What the user can mend is one line on stderr; --debug shows the traceback instead.
    """
    take_sigterm_for_interrupt()
    ending = _Ending()
    atexit.register(ending)  # what is registered first runs last, after Ray's own
    debug = "--debug" in sys.argv[1:]
    try:
        code = command.main(prog_name=f"python -m {module}", standalone_mode=False)
    except click.ClickException as error:
        code = _fail(error.format_message(), MISUSE)
    except (click.Abort, KeyboardInterrupt):
        kept = "interrupted; nothing that was finished is lost. To continue"
        code = _fail(f"{kept}: {again(module)}", INTERRUPTED)
    except UserError as error:
        if debug:
            raise
        code = _fail(str(error), error.exit_code)
    except OSError as error:
        if debug:
            raise
        code = _fail(_disk_message(error), FAILED)
    except Exception as error:
        if debug:
            raise
        what = " ".join(str(error).split())
        code = _fail(f"{type(error).__name__}: {what} (--debug shows where)", FAILED)
    ending.due(code or 0)
    sys.exit(code or 0)


class _Ending:
    """Ends the process without taking its modules apart, which takes Ray's two seconds."""

    _code = 1  # of an exception that --debug shows

    def due(self, code: int) -> None:
        """All is done: whatever a library still waits for then, GRACE seconds are enough."""
        self._code = code
        late = threading.Timer(GRACE, self)
        late.daemon = True
        late.start()

    def __call__(self) -> None:
        with contextlib.suppress(OSError):  # of a full disk or a closed pipe Python tells
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self._code)


def again(module: str) -> str:
    """The command of this process as one would type it again, `uv run` included."""
    through_uv = ["uv", "run"] if "UV_RUN_RECURSION_DEPTH" in os.environ else []
    return shlex.join([*through_uv, "python", "-m", module, *sys.argv[1:]])


def _fail(message: str, code: int) -> int:
    for line in message.splitlines() or [message]:  # one for each problem
        print(f"error: {line}" if code != INTERRUPTED else line, file=sys.stderr)
    return code


def _disk_message(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return (
            f"the disk of {error.filename or 'the run directory'} is full; what was finished "
            "is kept: free some space and run the same command again"
        )
    if not error.strerror:  # a library's own, raised as an OSError
        return f"{type(error).__name__}: {' '.join(str(error).split())} (--debug shows where)"
    return f"{error.filename or 'system'}: {error.strerror}"
