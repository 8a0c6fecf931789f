#!/usr/bin/env bash
# What the Dockerfile installs, in a clean environment: the service starts without torch, answers
# with an exported model, serves its page, and refuses what it cannot do in one line.
#
#   .ci/serve.sh EXPORTED
set -euo pipefail
cd "$(dirname "$0")/.."
serve=.ci-serve
python3 -m venv --clear "$serve"
"$serve/bin/python" -m pip install --quiet --upgrade pip
"$serve/bin/python" -m pip install --quiet ".[serve]"
"$serve/bin/python" - <<'PYTHON'
import importlib.util
import sys

for name in ("torch", "transformers", "accelerate"):
    assert importlib.util.find_spec(name) is None, f"posner[serve] brought {name}"
from posner.serve.app import PAGE, build_app
from posner.serve.loading import ModelLoader
from posner.serve.service import Service
from posner.serve.settings import ServeSettings

settings = ServeSettings()
build_app(Service({"none": "none"}, settings, ModelLoader(settings)))
names = {path.name for path in PAGE.rglob("*.*")}
assert {"index.html", "docs.html", "main.js", "style.css"} <= names, names
print(f"the service is whole without torch: {len(names)} files of the page")
PYTHON
if "$serve/bin/posner" serve nowhere 2> "$serve/message"; then
    echo "a missing model should have been refused" && exit 1
fi
cat "$serve/message"
grep -q "nowhere: no such folder" "$serve/message"
if "$serve/bin/posner" serve nowhere --host 0.0.0.0 2> "$serve/message"; then
    echo "a bind beyond this machine without a key should have been refused" && exit 1
fi
grep -q "needs an API key" "$serve/message"
"$serve/bin/python" - "$serve/bin/posner" "$1" <<'PYTHON'
import json
import subprocess
import sys
import time
import urllib.request

service = subprocess.Popen([sys.argv[1], "serve", sys.argv[2], "--port", "8765"])
question = json.dumps({"inputs": "Ada Lovelace lived in London."}).encode()
headers = {"Content-Type": "application/json"}
request = urllib.request.Request("http://127.0.0.1:8765/predict", question, headers)
answer = None
for _ in range(60):
    time.sleep(0.5)
    try:
        answer = json.load(urllib.request.urlopen(request, timeout=10))
        break
    except OSError:  # it is still loading
        continue
service.terminate()
status = service.wait(30)
assert isinstance(answer, list), "the service did not answer"
assert status == 0, f"the service ended with {status}"
print(f"the service answered: {answer}")
PYTHON
