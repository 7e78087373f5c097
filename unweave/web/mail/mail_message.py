"""A mail of what is written of a request: the letter as its text, the other files with it.

Its subject says that it is about their request, and no more: subjects are shown where others look.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

LETTER, PAGE = "letter.txt", "letter.html"
LANGUAGE = re.compile(rb'<html [^>]*lang="([a-z]{2})"')
SUBJECTS = {"en": "Your request {request}", "de": "Ihre Anfrage {request}"}
SEE = {"en": "What you asked for is attached.\n", "de": "Was Sie erbeten haben, liegt bei.\n"}
TYPES = {
    ".txt": ("text", "plain"),
    ".html": ("text", "html"),
    ".pdf": ("application", "pdf"),
    ".json": ("application", "json"),
    ".pem": ("application", "x-pem-file"),
}
UNKNOWN = ("application", "octet-stream")


def mail_of(
    files: Mapping[str, bytes],
    *,
    request: str,
    sender: str,
    to: str,
    message_id: str,
    time: datetime,
) -> bytes:
    """Return the mail, as it is sent."""
    found = LANGUAGE.search(files.get(PAGE, b""))
    language = found[1].decode("ascii") if found else "en"
    message = EmailMessage(policy=SMTP)
    message["Subject"] = SUBJECTS[language].format(request=request)
    message["From"], message["To"] = sender, to
    message["Date"] = format_datetime(time)
    message["Message-ID"] = f"<{message_id}@{sender.partition('@')[2]}>"
    letter = files.get(LETTER)
    message.set_content(SEE[language] if letter is None else letter.decode("utf-8"))
    for name, data in sorted(files.items()):
        if name != LETTER:
            kind, of_kind = TYPES.get(name[name.rfind(".") :], UNKNOWN)
            # Of a folder's files in a mail, which has no folders.
            flat = name.replace("/", "-")
            message.add_attachment(data, maintype=kind, subtype=of_kind, filename=flat)
    return message.as_bytes()
