"""An object store on this machine: moto's server, which can stop answering and go on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

BUCKET = "study"


class Server:
    """A moto server with one bucket; `environment` is what a command needs to reach it."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        self.client = self._client()
        self.client.create_bucket(Bucket=BUCKET)

    def _client(self):
        import boto3

        return boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def names(self, prefix: str) -> set[str]:
        """Names of the objects under a prefix, without it and without the marks of folders."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return {key.removeprefix(prefix) for key in keys if not key.endswith("/")}

    def read(self, key: str) -> bytes:
        """An object's bytes."""
        return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def stop_answering(self) -> None:
        """From now on requests wait in vain; what is stored stays."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End the server; what is stored is gone."""
        os.kill(self._process.pid, signal.SIGCONT)
        self._process.kill()
        self._process.wait()
