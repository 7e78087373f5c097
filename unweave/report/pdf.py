"""A page as PDF, printed by a Chromium that is installed; nothing is fetched and nothing is run."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lineage_store.errors import BadInput

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 120


def browser() -> str | None:
    """Return the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pdf(page: bytes, *, beside: Path | None = None) -> bytes:
    """Print a page. Raises BadInput if there is no Chromium, or if it does not print.

    What it needs for a while lies in a folder within `beside`, where the page names somebody.
    """
    program = browser()
    if program is None:
        raise BadInput(
            f"A PDF needs Chromium, and none of {', '.join(BROWSERS)} is on the PATH: install one, "
            f"or print the HTML file from any browser."
        )
    with tempfile.TemporaryDirectory(dir=beside) as folder:
        there = Path(folder).absolute()  # a file: URI has no relative form
        source, target = there / "report.html", there / "report.pdf"
        source.write_bytes(page)
        command = [
            *headless(program, profile=there / "profile"),
            "--no-pdf-header-footer",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise BadInput(
                "Chromium did not print the report: print the HTML file from any browser."
            ) from error


def headless(program: str, *, profile: Path) -> list[str]:
    """Return the start of a command that runs a Chromium without a window, offline.

    It has no sandbox where it runs as root, which Chromium refuses to combine.
    """
    return [
        program,
        "--headless",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={profile}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
