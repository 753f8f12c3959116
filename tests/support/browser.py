"""Chromium without a window, spoken to through its debugging pipe: enough to press, write and read on a page."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
PATIENCE = 60  # seconds


class Browser:
    """One page. Use it as a context; `downloads` is where the page's files go."""

    def __init__(self, folder: Path):
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        # A folder with a short path: below a long one Chromium's sockets have no room.
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # The pipe's ends have to be numbers 3 and 4 over there; plain sh knows no number above 9 to take them from.
        theirs, self.writes = os.pipe()
        self.reads, answers = os.pipe()
        command = [CHROMIUM, *QUIET, f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{theirs} 4>&{answers}', *command],
            env=os.environ | {"TMPDIR": self.profile.name}, pass_fds=(theirs, answers),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs)
        os.close(answers)
        self.waiting, self.number, self.session, self.events = b"", 0, None, []

    def __enter__(self) -> "Browser":
        page = next(each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "DOM"):
            self.call(f"{domain}.enable")
        self.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.reads)
        os.close(self.writes)
        self.profile.cleanup()

    def call(self, method: str, **params) -> dict:
        """One command of the debugging protocol, and its result; events on the way are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _message(self) -> dict:
        while b"\0" not in self.waiting:
            assert select.select([self.reads], [], [], PATIENCE)[0], f"Chromium says nothing for {PATIENCE} seconds"
            read = os.read(self.reads, 1 << 20)
            assert read, "Chromium has gone"
            self.waiting += read
        message, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(message)

    def wait_for(self, event: str) -> None:
        """Until an event of this name has come."""
        while event not in [each.get("method") for each in self.events]:
            self.events.append(self._message())

    def open(self, path: Path) -> None:
        """A file of this machine, until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("Page.loadEventFired")

    def run(self, script: str):
        """The value of an expression in the page; promises are awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Until an expression in the page is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(condition):
            assert time.monotonic() < end, condition
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """One key, as a person presses it."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    def choose_file(self, selector: str, path: Path) -> None:
        """A file for an input of the page."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def picture(self, path: Path, width: int, height: int) -> None:
        """What is to be seen in a window of that size."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
