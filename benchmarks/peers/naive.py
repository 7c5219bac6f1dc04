"""The obvious way: a Flask view that verifies, stores by the ORM, commits and enqueues in the request."""

import hashlib
import hmac
import os
from datetime import UTC, datetime

from flask import Flask, Response, abort, jsonify, request
from redis import Redis
from rq import Queue
from sqlalchemy import LargeBinary, String, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry


class Base(DeclarativeBase):
    pass


class WebhookEvent(Base):
    __tablename__ = "webhook_events"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(255))
    received_at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)


SECRET = os.environ["WEBHOOK_SECRET"].encode()
engine = create_engine(os.environ["DATABASE_URL"])

if engine.dialect.name == "sqlite":

    @event.listens_for(engine, "connect")
    def _make_durable(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


Base.metadata.create_all(engine)
queue = Queue("naive", connection=Redis.from_url(os.environ["REDIS_URL"]))
app = Flask(__name__)


def handle(_event_id: str) -> None:
    """Do nothing: no worker runs while requests are measured."""


@app.post("/webhooks/chaozcode")
def accept() -> tuple[Response, int]:
    body = request.get_data()
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-ChaozCode-Signature", "")):
        abort(401)
    sent = request.get_json()
    with Session(engine) as session:
        session.add(WebhookEvent(id=sent["id"], type=sent["type"], received_at=datetime.now(UTC), body=body))
        try:
            session.commit()
        except IntegrityError:
            return jsonify(status="duplicate"), 200
    queue.enqueue(handle, sent["id"])
    return jsonify(status="accepted"), 202
