"""Serving the desk: a uvicorn of one process, which logs no address and names no server."""

import logging
import os

from unweave.web.application import application
from unweave.web.process.desk import Desk

DRAIN = 5  # seconds for pages that are being written when it is told to end


def serve_desk(desk: Desk) -> None:
    """Serve until the process is told to end."""
    import uvicorn

    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    binding = desk.binding
    uvicorn.run(
        application(desk),
        host=binding.address,
        port=binding.port,
        access_log=False,  # it would write addresses
        log_level="warning",
        server_header=False,
        date_header=True,
        proxy_headers=False,
        ssl_certfile=binding.certificate,
        ssl_keyfile=binding.key,
        timeout_graceful_shutdown=DRAIN,
        lifespan="off",
    )
