"""The server's log: one JSON object a line, on standard error."""

import json
import logging
import sys
from datetime import datetime, timezone
from typing import Any, Final

LOG: Final = logging.getLogger("ppmobileseg_deploy.server")

_FIELDS: Final = "fields"


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start_logging() -> None:
    """Write what the server and the library beneath it have to say to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    for logger, level in ((LOG, logging.INFO), (logging.getLogger("uvicorn"), logging.WARNING)):
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def log(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Write a line.

    Args:
        event: What happened, in a word.
        level: How much it matters.
        fields: What else there is to know; what JSON can hold.
    """
    LOG.log(level, event, extra={_FIELDS: fields})
