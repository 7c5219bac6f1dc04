"""The floor: a bare Flask view that answers 202 and does nothing."""

from flask import Flask

app = Flask(__name__)


@app.post("/webhooks/chaozcode")
def accept() -> tuple[str, int]:
    return "", 202
