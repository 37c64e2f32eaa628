"""Lets the demo run, and a Prometheus watch it."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager

SCRAPE_SECONDS = 2
# The demo's words for what is in order.
GOOD = re.compile(r"TLS 1\.3|certificate of our CA|: good")


@contextmanager
def running(command, **options):
    """A process that is asked to end, and waited for, whatever happens."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def demo(program):
    """The demo with KEEP=1: the address of its Envoy's admin interface, and its commands."""
    with tempfile.TemporaryFile("w+") as out:
        environment = dict(os.environ, KEEP="1")
        with running([program], stdout=out, stderr=subprocess.DEVNULL, env=environment) as process:
            text = ""
            while not (admin := re.search(r"^Metrics: .*http://([^/]+)/", text, re.M)):
                if process.poll() is not None:
                    raise SystemExit(f"the demo ended:\n{text}")
                time.sleep(0.2)
                out.seek(0)
                text = out.read()
            directory = re.search(r"^cd (.*)$", text, re.M).group(1)
            commands = re.findall(r"^(\S.*?) {4}# (.*)$", text, re.M)
            yield admin.group(1), directory, commands


@contextmanager
def prometheus(program, target, rules):
    """A Prometheus that watches this target under these rules: its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    config = {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": f"{SCRAPE_SECONDS}s",
            "evaluation_interval": "5s",
        },
        "rule_files": [rules],
        "scrape_configs": [
            {
                "job_name": "envoy",
                "metrics_path": "/stats/prometheus",
                "static_configs": [{"targets": [target]}],
            }
        ],
    }
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "prometheus.yaml")
        with open(file, "w") as sink:
            json.dump(config, sink)  # JSON is YAML.
        command = [
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address={address}",
            "--log.level=warn",
        ]
        with running(command):
            yield address


def ask(address, path, **parameters):
    """What Prometheus answers; waits until it does."""
    url = f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except (ConnectionError, urllib.error.URLError):
            time.sleep(0.2)
    raise SystemExit(f"Prometheus does not answer: {url}")


def traffic(directory, commands, seconds):
    """The demo's commands, over and over, at a pace that changes; most of them good ones."""
    chance = random.Random(92)
    of_all = [command for command, _ in commands]
    good = [command for command, words in commands if GOOD.search(words)]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        command = chance.choice(good if chance.random() < 0.7 else of_all)
        try:
            subprocess.run(
                command,
                shell=True,
                cwd=directory,
                timeout=10,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            pass
        busy = abs((left % 120) - 60) / 60
        time.sleep(0.05 + 0.4 * (1 - busy))
