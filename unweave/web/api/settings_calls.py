"""Settings by the API, and what goes by the mail server that stands there."""

from lineage_store.errors import BadInput
from unweave.web.accounts.mail_server import MailServer, Security, port_of
from unweave.web.accounts.users import Role
from unweave.web.api.calls import Answer, Call
from unweave.web.mail.letters_mailed import (
    end_mail,
    end_mail_server,
    mail_it,
    mail_server_there,
    set_mail_server,
)
from unweave.web.operations import rules_set
from unweave.web.operations.users_managed import add_user, end_user, invite_user, users_there
from unweave.web.process.desk import Desk


def mail(desk: Desk, call: Call) -> Answer:
    """Have what is written of a request go by mail."""
    return mail_it(desk, call.who, call.request, call.said["to"].strip())


def no_mail(desk: Desk, call: Call) -> Answer:
    """Send what waits not at all."""
    return end_mail(desk, call.request)


def show_mail_server(desk: Desk, call: Call) -> Answer:
    """Say by which server letters are sent."""
    return mail_server_there(desk)


def new_mail_server(desk: Desk, call: Call) -> Answer:
    """Have letters sent by a server."""
    said = call.said
    security: Security = said["security"]
    server = MailServer(
        host=said["host"].strip(),
        port=port_of(said["port"].strip()),
        security=security,
        sender=said["sender"].strip(),
        user=said.get("user"),
        password=said.get("password"),
    )
    return set_mail_server(desk, call.who, server)


def old_mail_server(desk: Desk, call: Call) -> Answer:
    """Send nothing by mail any more."""
    return end_mail_server(desk, call.who)


def list_users(desk: Desk, call: Call) -> Answer:
    """List who may use the desk."""
    return users_there(desk)


def new_user(desk: Desk, call: Call) -> Answer:
    """Add a user."""
    role: Role = call.said["role"]
    return add_user(desk, call.who, call.said["name"], role)


def user_again(desk: Desk, call: Call) -> Answer:
    """Make a new link for a user."""
    return invite_user(desk, call.who, call.said["name"])


def old_user(desk: Desk, call: Call) -> Answer:
    """Let a user in no more."""
    return end_user(desk, call.who, call.said["name"])


def show_policy(desk: Desk, call: Call) -> Answer:
    """Read the rules for requests."""
    return rules_set.policy_there(desk)


def new_policy(desk: Desk, call: Call) -> Answer:
    """Set the rules for requests."""
    said = {name: call.said.get(name) for name in rules_set.OF_POLICY}
    return rules_set.set_policy(desk, call.who, said)


def show_controller(desk: Desk, call: Call) -> Answer:
    """Read who answers for the data."""
    return rules_set.controller_there(desk)


def new_controller(desk: Desk, call: Call) -> Answer:
    """Say who answers for the data."""
    said = {name: text for name, text in call.said.items() if text is not None}
    if not said:
        raise BadInput("Nothing is said of who answers for the data.")
    return rules_set.describe_controller(desk, call.who, said)


def list_letters(desk: Desk, call: Call) -> Answer:
    """List the letters."""
    return rules_set.templates_there(desk)


def show_letter(desk: Desk, call: Call) -> Answer:
    """Read a letter's template."""
    return rules_set.template_there(desk, call.path["letter"])


def new_letter(desk: Desk, call: Call) -> Answer:
    """Use a template of one's own."""
    return rules_set.set_template(desk, call.who, call.path["letter"], call.said["template"])


def old_letter(desk: Desk, call: Call) -> Answer:
    """Use the template that ships again."""
    return rules_set.end_template(desk, call.who, call.path["letter"])
