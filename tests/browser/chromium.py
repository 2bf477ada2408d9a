"""A headless Chromium, driven through its DevTools pipe: nothing but Python and the browser is needed."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

DEADLINE = 60  # seconds; only a failure waits so long


def find():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return shutil.which(name)
    return None


class Browser:
    def __init__(self, executable):
        self.profile = tempfile.TemporaryDirectory(prefix="jitcorral-chromium-")
        ours, theirs = os.pipe(), os.pipe()  # we write into the first, and read from the second
        self.to, self.come = ours[1], theirs[0]

        def pipes():
            os.dup2(theirs[1], 100)
            os.dup2(ours[0], 3)
            os.dup2(100, 4)
            os.close(100)
            os.set_inheritable(3, True)  # it may have been there already

        self.process = subprocess.Popen(
            [executable, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             "--force-device-scale-factor=1", f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe"],
            preexec_fn=pipes, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.buffer = b""
        self.next = 0
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.come)
        self.profile.cleanup()

    def read(self, end):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.come], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError("Chromium does not answer")
            part = os.read(self.come, 1 << 20)
            if not part:
                raise AssertionError("Chromium ended")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def ask(self, method, session=None, **parameters):
        self.next += 1
        number = self.next
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + DEADLINE
        while True:
            answer = self.read(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1280, height=1000, dark=False):
        return Page(self, path, width, height, dark)


class Page:
    """One page, loaded. What it fetched is in `fetched`, what went wrong in `wrong`."""

    def __init__(self, browser, path, width, height, dark):
        self.browser = browser
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        browser.events.clear()
        self.url = "file://" + os.path.abspath(path)
        self.ask("Page.navigate", url=self.url)
        self.until("document.readyState === 'complete'")
        self.until("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))")

    def ask(self, method, **parameters):
        return self.browser.ask(method, self.session, **parameters)

    def evaluate(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def until(self, expression):
        end = time.monotonic() + DEADLINE
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise AssertionError(f"this never came about: {expression}")

    def settled(self):
        """What was asked for is drawn."""
        self.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))")

    def screenshot(self, path, whole=False):
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def key(self, key, code=None, **more):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, **more)

    def mouse(self, kind, x, y, **more):
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def of(self, method):
        return [e["params"] for e in self.browser.events
                if e.get("method") == method and e.get("sessionId") == self.session]

    @property
    def wrong(self):
        self.evaluate("1")  # whatever was said before has come by now
        said = [e["exceptionDetails"] for e in self.of("Runtime.exceptionThrown")]
        said += [e for e in self.of("Runtime.consoleAPICalled") if e["type"] in ("error", "warning", "assert")]
        # "rendering" is advice on how to draw, also on how a test reads what is drawn.
        return said + [e["entry"] for e in self.of("Log.entryAdded") if e["entry"]["source"] != "rendering"]

    @property
    def fetched(self):
        self.evaluate("1")
        return [e["request"]["url"] for e in self.of("Network.requestWillBeSent")]
