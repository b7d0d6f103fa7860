"""The real server, one per test class: a free port, an empty data folder, both gone afterwards."""

import os
import queue
import re
import subprocess
import tempfile
import threading
import time

START_SECONDS = 20
END_SECONDS = 10


class Server:
    """Runs the binary named by PORTCULLIS_BIN, with further settings and variables; `url` is there once it says where it
    listens, and `setup_token`, which makes the first administrator."""

    def __init__(self, *settings, **variables):
        self._home = tempfile.TemporaryDirectory(prefix="portcullis-clients-")
        self._log = open(os.path.join(self._home.name, "log"), "w+", encoding="utf-8")
        self.home = home = self._home.name
        self._process = subprocess.Popen(
            [os.environ["PORTCULLIS_BIN"], "serve"]
            + ["--listen", "127.0.0.1:0", "--data", os.path.join(home, "data")]
            + [argument for setting in settings for argument in ("--set", setting)],
            cwd=home,
            env={name: value for name, value in os.environ.items() if not name.startswith("PORTCULLIS_")}
            | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url, self.setup_token = self._wait_for_addresses()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Ends the server and removes its data."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._log.close()
        self._home.cleanup()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _wait_for_addresses(self):
        deadline = time.monotonic() + START_SECONDS
        url, token = None, None
        while not (url and token):
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            if line is None:
                self._log.seek(0)
                raise RuntimeError(f"the server ended; it logged:\n{self._log.read()}")
            if found := re.search(r"listening on (http://localhost:\d+)", line):
                url = found.group(1)
            if found := re.search(r"(pcsetup_[A-Za-z0-9_-]{43})", line):
                token = found.group(1)
        return url, token

    def log(self):
        """What the server logged so far."""
        self._log.seek(0)
        return self._log.read()
