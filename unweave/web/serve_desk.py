"""Serving the desk: a uvicorn of one process, which logs no address and names no server."""

import logging
import os
from collections.abc import Callable
from threading import Thread
from time import sleep

from lineage_store.errors import UnweaveError
from unweave.session.unforeseen import write_details
from unweave.web.application import application
from unweave.web.mail.letters_mailed import send_mails
from unweave.web.operations.webhooks_told import tell_webhooks
from unweave.web.process.desk import Desk
from unweave.web.several.keeping_up import keep_up

EVERY = 5.0  # seconds in which webhooks are told, letters are mailed, and parts kept in step
HOUR = 3600.0  # seconds, after what nobody foresaw
DRAIN = 5  # seconds for pages that are being written when it is told to end


def _always(desk: Desk, work: Callable[[Desk], object]) -> None:
    """Do what is due to be sent, as long as the process lives."""
    while True:
        sleep(EVERY)
        try:
            work(desk)
        except UnweaveError:  # the workspace is busy, or cannot be read just now
            continue
        except Exception as error:  # the one place for whatever nobody foresaw: it is tried again
            write_details(error, workspace=desk.root, command=f"desk {work.__name__}")
            sleep(HOUR)


def serve_desk(desk: Desk) -> None:
    """Serve until the process is told to end."""
    import uvicorn

    os.umask(0o077)
    works: tuple[Callable[[Desk], object], ...] = (tell_webhooks, send_mails)
    for work in (*works, keep_up) if desk.joined else works:
        Thread(target=_always, args=(desk, work), daemon=True).start()
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
