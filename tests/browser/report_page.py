"""The page of `jitcorral report --html`, made from real processes and opened in headless Chromium."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import chromium

CLI, SHIM, HOST, SHOTS = sys.argv[1:5]
HOSTILE = "</script><script>alert(1)<!--\u2028&\u202e"


def rows(page):
    cells = "[...document.querySelectorAll('.grid .row')].map(r => [...r.children].map(c => c.textContent))"
    return page.evaluate(cells)


class ReportPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.browser = cls.enterClassContext(chromium.Browser(chromium.find()))
        os.makedirs(SHOTS, exist_ok=True)
        cls.environment = {k: v for k, v in os.environ.items() if not k.startswith(("JITCORRAL_", "LD_PRELOAD"))}

    def record(self, name, *command, options=()):
        db, html = (os.path.join(self.folder, name + end) for end in (".db", ".html"))
        subprocess.run([CLI, "run", "--shim", SHIM, "--db", db, *options, "--", *command], env=self.environment,
                       capture_output=True, timeout=60)
        subprocess.run([CLI, "report", "--db", db, "--html", html], env=self.environment, check=True, timeout=60)
        return html

    def open(self, html, **how):
        page = self.browser.open(html, **how)
        self.addCleanup(lambda: self.browser.ask("Target.closeTarget", targetId=page.target))
        self.assertEqual(page.evaluate("document.documentElement.dataset.ready"), "yes")
        return page

    def shoot(self, page, name):
        page.settled()
        page.screenshot(os.path.join(SHOTS, name + ".png"), whole=True)

    def well(self, page):
        self.assertEqual(page.wrong, [])
        self.assertEqual(page.fetched, [page.url])

    def pixels(self, page, canvas, colour):
        """How many pixels of a canvas have that colour of the style, or nearly."""
        return page.evaluate("""((canvas, name) => {
            const style = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
            const wanted = [1, 3, 5].map(i => parseInt(style.substr(i, 2), 16));
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            let n = 0;
            for (let i = 0; i < data.length; i += 4)
              if (data[i + 3] > 200 && wanted.every((w, k) => Math.abs(w - data[i + k]) < 12)) ++n;
            return n;
          })(document.getElementById("%s"), "%s")""" % (canvas, colour))

    def test_the_map_shows_window_code_data_anchor_library_and_what_fell_outside(self):
        html = self.record("full", HOST, *"map 524288 jit 65536 map 524288 jit 8192".split(),
                           options=["--set", "JITCORRAL_WINDOW=1M"])
        for dark in (False, True):
            page = self.open(html, dark=dark)
            self.well(page)
            regions = page.evaluate("[...document.querySelectorAll('#regions-table tbody tr')]"
                                    ".map(r => r.children[0].textContent)")
            for region in ("window", "anchor", "code", "writable data", "outside the window", "libllvmlite-record.so"):
                self.assertIn(region, regions)
            self.assertIn("At risk", page.evaluate("document.getElementById('verdict').textContent"))
            self.assertIn("JITCORRAL_WINDOW", page.evaluate("document.getElementById('fallbacks').textContent"))
            for canvas, colour in (("map", "code"), ("map", "rwdata"), ("map", "bad"), ("time", "rwdata"),
                                   ("overview", "code")):
                self.assertGreater(self.pixels(page, canvas, colour), 0, (canvas, colour, dark))
            self.shoot(page, "full-dark" if dark else "full")
            ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            self.assertEqual(max(map(int, re.findall(r"\d+", ground))) < 64, dark, ground)

    def test_keys_and_buttons_zoom_and_pan(self):
        page = self.open(self.record("near", HOST, *"jit 4096 map 8192 jit 65536".split()))
        width = "view.high - view.low"
        page.evaluate("document.getElementById('map').focus()")
        before, low = page.evaluate(width), page.evaluate("view.low")
        page.key("+")
        self.assertAlmostEqual(page.evaluate(width) / before, 0.5)
        page.key("ArrowRight")
        self.assertGreater(page.evaluate("view.low"), low)
        page.key("-")
        page.key("-")
        self.assertAlmostEqual(page.evaluate(width) / before, 2)
        page.evaluate("document.getElementById('go-window').click()")
        self.assertGreater(page.evaluate(width), page.evaluate("view.run.window[1] - view.run.window[0]"))
        page.settled()
        self.well(page)

    def test_a_moment_shows_what_was_there_then(self):
        page = self.open(self.record("moment", HOST, *"jit 65536 map 65536 unmap 1 jit 4096".split()))
        page.evaluate("const slider = document.getElementById('moment'); slider.value = 2;"
                      "slider.dispatchEvent(new Event('input'))")
        page.settled()
        self.assertIn("call 2", page.evaluate("document.getElementById('moment-text').textContent"))
        self.assertGreater(self.pixels(page, "map", "rwdata"), 0)
        page.evaluate("document.getElementById('time').focus()")
        page.key("ArrowRight")  # munmap
        page.settled()
        self.assertIn("munmap", page.evaluate("document.getElementById('moment-text').textContent"))
        self.assertEqual(self.pixels(page, "map", "rwdata"), 0)
        self.well(page)

    def test_calls_are_sorted_and_filtered(self):
        page = self.open(self.record("calls", HOST, *"jit 4096 map 524288 map 8192 map 520192".split(),
                                     options=["--set", "JITCORRAL_WINDOW=1M"]))
        press = "[...document.querySelectorAll('.grid .head button')].find(b => b.textContent === 'size').click()"
        page.evaluate(press)
        page.evaluate(press)
        self.assertEqual(rows(page)[0][4], "512 KiB")
        self.assertEqual(page.evaluate("document.querySelector('[aria-sort]').textContent"), "size")
        page.evaluate("const f = document.getElementById('calls-filter'); f.value = 'fell back';"
                      "f.dispatchEvent(new Event('input'))")
        page.until("document.getElementById('calls-count').textContent.startsWith('1 of 5')")
        self.assertEqual([row[4] for row in rows(page)], ["508 KiB"])
        page.evaluate("document.querySelector('.grid .row').click()")
        page.settled()
        self.assertEqual(page.evaluate("view.chosen"), 4)
        self.well(page)

    def test_a_hundred_thousand_calls(self):
        page = self.open(self.record("many", HOST, "churn", "34000"))
        total = page.evaluate("view.run.data.events")
        self.assertGreater(total, 90000)
        self.assertLess(len(rows(page)), 60)
        page.evaluate("table.body.scrollTop = 1e9")
        page.until("[...document.querySelectorAll('.grid .row')]"
                   f".some(r => r.getAttribute('aria-rowindex') === '{total + 1}')")
        page.evaluate("[...document.querySelectorAll('.grid .head button')]"
                      ".find(b => b.textContent === 'address').click()")
        shown = [row[3] for row in rows(page) if row[3]]
        self.assertEqual(shown, sorted(shown))
        self.assertGreater(self.pixels(page, "time", "code"), 1000)
        self.shoot(page, "many")
        self.well(page)

    def test_hostile_names_are_only_text(self):
        name = os.path.join(self.folder, HOSTILE.replace("/", "∕"))
        shutil.copy(HOST, name)
        html = self.record("hostile", "/bin/sh", "-c", 'exec "$0" jit 4096 jit 4096', name,
                           options=["--keep-arguments"])
        with open(html, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text.count("</script"), 2)  # the page's own two
        self.assertNotIn("\u2028", text)
        page = self.open(html, dark=True)
        self.well(page)
        said = page.evaluate("document.getElementById('facts').textContent")
        self.assertIn("script>alert(1)<!--\\u{2028}&\\u{202e}", said)
        # Even a script that came into the page would not run.
        page.evaluate("document.body.append(Object.assign(document.createElement('script'),"
                      "{textContent: 'window.ran = 1'}))")
        self.assertIsNone(page.evaluate("window.ran ?? null"))
        self.assertIn("Content Security Policy", json.dumps(page.wrong))

    def test_several_processes_and_nothing_at_all(self):
        page = self.open(self.record("several", "/bin/sh", "-c",
                                     f"{HOST} jit 4096 map 4096; {HOST} jit 8192; /bin/true"))
        self.assertEqual(page.evaluate("document.querySelectorAll('#processes button').length"), 4)
        page.evaluate("document.querySelectorAll('#processes button')[3].click()")
        page.settled()
        self.assertIn("No JIT", page.evaluate("document.getElementById('verdict').textContent"))
        self.assertIn("No call was recorded", page.evaluate("document.getElementById('calls').textContent"))
        self.shoot(page, "several")
        self.well(page)


if chromium.find() is None:
    print("skipped: no Chromium")
    sys.exit(77)
unittest.main(argv=sys.argv[:1])
