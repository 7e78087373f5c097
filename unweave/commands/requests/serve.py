"""`unweave serve` and `unweave user`: the desk in a browser, and who may use it."""

from pathlib import Path
from typing import Any

import click

from unweave.options.once import Commands, Once
from unweave.options.shared import JSON, WAIT, WORKSPACE
from unweave.text.printed import say, say_json

DEFAULT = "127.0.0.1:8484"
ROLES = ("officer", "approver", "engineer", "auditor", "owner")
OF = "\b\n" + "\n".join(
    (
        "officer    files requests, reads names, runs, refuses and answers",
        "approver   agrees to requests that others asked for and filed",
        "engineer   sees models and deletions, and runs what is ready; no names",
        "auditor    reads requests without names, the log, the records; proofs",
        "owner      reads what an auditor does, and makes and ends tokens of programs",
    )
)


@click.command(cls=Once)
@click.argument("workspace", type=click.Path(path_type=Path))
@click.argument("others", nargs=-1, type=click.Path(path_type=Path))
@click.option("--bind", "place", default=DEFAULT, show_default=True, metavar="ADDRESS:PORT",
              help="Where to listen.")  # fmt: skip
@click.option("--tls", "certificate", type=click.Path(path_type=Path), metavar="FILE",
              help="Speak TLS, with this certificate (PEM).")  # fmt: skip
@click.option("--tls-key", "key", type=click.Path(path_type=Path), metavar="FILE",
              help="The certificate's key (PEM).")  # fmt: skip
@click.option("--trusted-proxy", "proxy", is_flag=True,
              help="A proxy before it speaks TLS, and is the only way here.")  # fmt: skip
@click.option("--user-header", metavar="HEADER",
              help="The proxy signs people in, and names them in this header.")  # fmt: skip
@click.option("--proxy-secret", type=click.Path(path_type=Path), metavar="FILE",
              help="The secret by which such a proxy is known.")  # fmt: skip
@click.option("--name", "names", multiple=True, metavar="HOST",
              help="By which name browsers ask for it; again for another one.")  # fmt: skip
def serve(
    workspace: Path,
    others: tuple[Path, ...],
    place: str,
    certificate: Path | None,
    key: Path | None,
    proxy: bool,
    user_header: str | None,
    proxy_secret: Path | None,
    names: tuple[str, ...],
) -> None:
    """Serve the desk of a workspace to browsers, until it is interrupted.

    It holds two keys of the workspace, for look-up and for sealed requests, and neither the secret
    nor the signing key: what changes something is done by commands that it starts.

    With OTHERS, a request is filed in each of these workspaces, too, and answered for all of them.
    """
    from unweave.web.process.bindings import bind
    from unweave.web.process.desk import Desk
    from unweave.web.serve_desk import serve_desk
    from unweave.web.several.joined_workspaces import joined_to, places_of

    binding = bind(
        place,
        names=names,
        certificate=certificate,
        key=key,
        proxy=proxy,
        user_header=user_header,
        proxy_secret=proxy_secret,
    )
    desk = Desk(root=workspace, binding=binding)
    desk.session.workspace().keys()  # what is missing is told before anybody asks
    if others:
        desk = joined_to(desk, others)
        for one in places_of(desk):
            if one.why is not None:
                say(one.why, err=True)
    say(f"The desk is at {binding.home}", err=True)
    serve_desk(desk)


@click.group(cls=Commands, epilog=OF)
def user() -> None:
    """Say who may use the desk, in which role."""


@user.command()
@WORKSPACE
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What they may do.")
@click.option("--desk", "address", default=f"http://{DEFAULT}", show_default=True, metavar="URL",
              help="Where the desk is, for the link.")  # fmt: skip
@WAIT
@JSON
def add(workspace: Path, name: str, role: str, address: str, wait: int, as_json: bool) -> None:
    """Add a user, and print a link of one use by which they set password and second factor."""
    _linked(users_of(workspace, wait).add(name, role), address, as_json)


@user.command()
@WORKSPACE
@click.argument("name")
@click.option("--desk", "address", default=f"http://{DEFAULT}", show_default=True, metavar="URL",
              help="Where the desk is, for the link.")  # fmt: skip
@WAIT
@JSON
def invite(workspace: Path, name: str, address: str, wait: int, as_json: bool) -> None:
    """Void what a user signs in with, and print a new link: of a lost password or second factor."""
    _linked(users_of(workspace, wait).invite(name), address, as_json)


@user.command()
@WORKSPACE
@click.argument("name")
@WAIT
@JSON
def end(workspace: Path, name: str, wait: int, as_json: bool) -> None:
    """Let a user in no more."""
    answer = users_of(workspace, wait).end(name)
    if as_json:
        say_json(answer)
        return
    say(f"{answer['name']} ({answer['role']}) is let in no more.")


@user.command(name="list")
@WORKSPACE
@JSON
def list_(workspace: Path, as_json: bool) -> None:
    """List the users of the desk."""
    answer = users_of(workspace, 0).list()
    if as_json:
        say_json(answer)
        return
    for one in answer["users"]:
        pending = "" if one["set_up"] else ", has not come in yet"
        pending = ", a program" if one["program"] else pending
        say(f"{one['name']}: {one['role']}{pending}")
    if not answer["users"]:
        say("The desk has no user: `unweave user add` adds one.")


def users_of(workspace: Path, wait: float) -> Any:
    """Return the users of a workspace's desk."""
    from unweave.session.session import Session
    from unweave.web.desk_users import DeskUsers

    return DeskUsers(Session(root=workspace, wait=wait))


def _linked(answer: dict[str, str], address: str, as_json: bool) -> None:
    told = {**answer, "link": address.rstrip("/") + answer["path"]}
    if as_json:
        say_json(told)
        return
    say(f"{told['name']} comes in as {told['role']} by this link, once, within three days:")
    say(told["link"])
