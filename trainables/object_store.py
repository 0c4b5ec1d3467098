"""Clients of object stores, through pyarrow's file systems, that give up after a while.

How often a store is asked again is for `trainables.patience.patiently` to say, so each client's
own attempts are few. Keys come from where the clients look for them: the environment, ~/.aws,
the machine's role.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from trainables.errors import UserError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

ATTEMPT_SECONDS = 10  # that a client tries by itself
S3_ATTEMPTS = 2
S3_OPTIONS = {"region", "scheme", "endpoint_override"}  # of a URI


@functools.cache
def client(scheme: str, bucket: str, query: str) -> FileSystem:
    """The client for `scheme://bucket?query`, one a process; its errors are OSErrors."""
    if scheme == "s3":
        return _amazon(bucket, dict(parse_qsl(query)))
    from pyarrow import fs

    if scheme == "gs" and "retry_limit_seconds" not in query:  # 15 minutes as shipped
        query += ("&" if query else "") + f"retry_limit_seconds={ATTEMPT_SECONDS}"
    system, _ = fs.FileSystem.from_uri(f"{scheme}://{bucket}/x" + (f"?{query}" if query else ""))
    return system


def _amazon(bucket: str, options: dict[str, str]) -> FileSystem:
    """A client that gives up: the one of `FileSystem.from_uri` repeats for ever what timed out."""
    from pyarrow import fs

    if unknown := set(options) - S3_OPTIONS:
        raise UserError(
            f"s3://{bucket}: no such option: {', '.join(sorted(unknown))}; there are "
            f"{', '.join(sorted(S3_OPTIONS))}"
        )
    named = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
    endpoint = options.pop("endpoint_override", None) or next(filter(None, named), None)
    if not endpoint and "region" not in options:
        options["region"] = fs.resolve_s3_region(bucket.rpartition("@")[2])
    return fs.S3FileSystem(
        anonymous=bucket.startswith("anonymous@"),
        endpoint_override=endpoint,
        request_timeout=ATTEMPT_SECONDS / S3_ATTEMPTS,
        connect_timeout=ATTEMPT_SECONDS / S3_ATTEMPTS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=S3_ATTEMPTS),
        **options,
    )
