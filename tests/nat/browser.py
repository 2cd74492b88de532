#!/usr/bin/python3
"""A private channel between peer_pair and a page in headless Chromium, each asking once.

    browser.py PEER_PAIR [--chromium PROGRAM]       exit 0 if both roles work, 77 without a Chromium
"""
import argparse
import functools
import http.server
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

PAGE = pathlib.Path(__file__).with_name("browser.html")
MESSAGES = 500
LIMIT = 60


class Handler(http.server.BaseHTTPRequestHandler):
    """The page, and the two files through which the ends speak."""

    def __init__(self, folder, done, *rest):
        self.folder, self.done = folder, done
        super().__init__(*rest)

    def answer(self, text, kind="text/plain"):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind + "; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        if url.path == "/hear":
            at = int(urllib.parse.parse_qs(url.query)["at"][0])
            path = self.folder / "from-peer"
            lines = path.read_text().splitlines(keepends=True) if path.exists() else []
            self.answer("".join(line for line in lines[at:] if line.endswith("\n")))
        else:
            self.answer(PAGE.read_text(), "text/html")

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/say":
            with open(self.folder / "from-page", "a", encoding="utf-8") as file:
                file.write(text + "\n")
        else:
            self.done["result"] = text
            self.done["event"].set()
        self.answer("")

    def log_message(self, *unused):
        pass


def run(peer_pair, chromium, page_offers, folder):
    done = {"event": threading.Event(), "result": "nothing"}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, folder, done))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    role = "offer" if page_offers else "answer"
    url = f"http://127.0.0.1:{server.server_port}/?role={role}&messages={MESSAGES}"
    browser = subprocess.Popen([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                                "--remote-debugging-port=0", f"--user-data-dir={folder}/profile", url],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    end = subprocess.Popen([peer_pair, "--answer" if page_offers else "--offer", "--out", folder / "from-peer", "--in",
                            folder / "from-page", "--messages", str(MESSAGES), "--every", "1"], stdout=subprocess.PIPE, text=True)
    try:
        done["event"].wait(LIMIT)
        said, _ = end.communicate(timeout=LIMIT)
    finally:
        os.killpg(browser.pid, signal.SIGKILL)  # it has children
        end.kill()
        browser.wait()
        end.wait()
        server.shutdown()
        server.server_close()
    good = done["result"] == "ok" and end.returncode == 0
    print(f"{'ok' if good else 'NOT OK'}: the page {'asks' if page_offers else 'answers'}: {done['result']}; peer_pair: "
          + ", ".join(line for line in said.splitlines() if not line.startswith("progress")), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description="A private channel with a browser.")
    parser.add_argument("peer_pair")
    parser.add_argument("--chromium", default="chromium")
    options = parser.parse_args()
    chromium = shutil.which(options.chromium)
    if not chromium:
        print("browser.py: no Chromium here")
        sys.exit(77)
    good = True
    for page_offers in (True, False):
        with tempfile.TemporaryDirectory(prefix="earshot-browser-", ignore_cleanup_errors=True) as folder:
            good = run(os.path.abspath(options.peer_pair), chromium, page_offers, pathlib.Path(folder)) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
