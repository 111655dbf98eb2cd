#!/usr/bin/env python3
"""The production setup of a build machine, run in one minute.

    production.py RUNNER

`runner -v --syslog -n 30 -H -c runner.cfg tasks.d`. The CI worker is a task without
a limit that starts a background process and waits for it. The last task requests a
halt in its seventh round. The halt task is a Python program. A hook posts its JSON to
a server on loopback. The script checks the posts, the lines in syslog, and that the
halt task ran.

syslog is a socket that the script creates at /dev/log. If one exists, or if it cannot
be created, the lines in syslog are not checked.
"""

import http.server
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

HALT_ROUND = 7

TASKS = {
    "1-checkout": "[ $RUNNER_TRY_NUM -gt 1 ] || exit 1",
    "3-clobber.sh": "[ \"$($RUNNER_CONFIG_CMD -g clobber.keep)\" = 3 ]",
    "4-worker": "sleep 0.05 & wait $!; echo worked >>worked",
    "9-reboot": f"[ $(wc -l <worked) -lt {HALT_ROUND} ] || exit 2",
}

CONFIG = """
[runner]
sleep_time = 0
retry_jitter = 0
task_hook = {python} ./post.py
halt_task = halt.py

[env]
PORT = {port}

[clobber]
keep = 3

[worker]
max_time = 0
"""

POST = """
import os, sys, urllib.request
url = f"http://127.0.0.1:{os.environ['PORT']}/"
urllib.request.urlopen(urllib.request.Request(url, sys.argv[-1].encode()), timeout=20)
"""

HALT = """#!{python}
import os
print(os.environ["RUNNER_HALT_REASON"], os.environ["RUNNER_TASK"], file=open("halted", "a"))
"""


class Database(http.server.BaseHTTPRequestHandler):
    posts = []

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.posts.append(json.loads(self.rfile.read(length)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def script(path, text):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o755)


def syslog():
    """Returns a socket at /dev/log or None, and the list of the lines it receives."""
    lines = []
    if os.path.exists("/dev/log"):
        return None, lines
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind("/dev/log")
    except OSError:
        return None, lines
    listener.settimeout(1)

    def listen():
        while listener.fileno() >= 0:
            try:
                lines.append(listener.recv(65536).decode())
            except socket.timeout:
                pass
            except OSError:
                return

    threading.Thread(target=listen, daemon=True).start()
    return listener, lines


def play(runner, directory, port):
    os.mkdir(os.path.join(directory, "tasks.d"))
    for name, body in TASKS.items():
        script(os.path.join(directory, "tasks.d", name), f"#!/bin/sh\n{body}\n")
    script(os.path.join(directory, "tasks.d", "halt.py"), HALT.format(python=sys.executable))
    with open(os.path.join(directory, "post.py"), "w") as file:
        file.write(POST)
    with open(os.path.join(directory, "runner.cfg"), "w") as file:
        file.write(CONFIG.format(python=sys.executable, port=port))
    command = [runner, "-v", "--syslog", "-n", "30", "-H", "-c", "runner.cfg", "tasks.d"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    with open(os.path.join(directory, "halted")) as file:
        return done, file.read()


def expected():
    """Returns the expected posts of the hook, in order."""
    posts = []
    for this_round in range(1, HALT_ROUND + 1):
        for try_num, name, result in [(1, "1-checkout", "RETRY")] + [
            (2, name, "OK") for name in TASKS
        ]:
            stats = {"task": name, "try_num": try_num, "max_retries": 5}
            if this_round == HALT_ROUND and name == "9-reboot":
                result = "HALT"
            posts += [stats, dict(stats, result=result)]
    return posts


def main():
    runner = os.path.abspath(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    listener, logged = syslog()
    try:
        with tempfile.TemporaryDirectory() as directory:
            done, halted = play(runner, directory, server.server_port)
    finally:
        if listener:
            listener.close()
            os.unlink("/dev/log")
    print(done.stderr[-2000:])
    assert done.returncode == 2, done.returncode
    assert halted == "halted 9-reboot\n", halted
    assert Database.posts == expected(), Database.posts
    assert done.stderr.count(" starts: 4 tasks\n") == HALT_ROUND
    if listener:
        said = [line for line in logged if "`9-reboot` exited with 2 after " in line]
        # <28>: the facility daemon, the severity warning.
        assert len(said) == 1 and re.match(r"<28>.* runner\[\d+\]: `9-reboot`", said[0]), logged
        print(f"syslog got {len(logged)} lines, such as {said[0]!r}")
    print(f"{len(Database.posts)} posts, halted in round {HALT_ROUND}: as expected")


if __name__ == "__main__":
    main()
