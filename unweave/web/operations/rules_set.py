"""The rules of the workspace's requests, who answers for its data, and its letters' templates.

All are written by a command in a process of its own, as the command line would: a template is run
there, in a sandbox, and never where people are served.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from lineage_store.log import SettingChanged
from lineage_store.requests import Controller, law_in_force, load_controller, load_policy
from unweave.letters.own_templates import OwnTemplates
from unweave.web.accounts.users import User
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk

Answer = dict[str, Any]
OF_POLICY = ("approve_above", "approve_above_user", "deadline_days", "register_years", "regime")
OF_CONTROLLER = tuple(one.name for one in fields(Controller))


def policy_there(desk: Desk) -> Answer:
    """Return the limits and the rules of time, and between which of those one can choose."""
    workspace = desk.session.workspace()
    policy, law = load_policy(workspace), law_in_force(workspace)
    return {name: getattr(policy, name) for name in OF_POLICY} | {"regimes": sorted(law.regimes)}


def set_policy(desk: Desk, user: User, said: Mapping[str, Any]) -> Answer:
    """Set all of `OF_POLICY`; a limit that is None there is not. What else there is stays."""
    _changed(desk, user, "policy", lambda: have_done(desk, "set_limits", dict(said)))
    return policy_there(desk)


def controller_there(desk: Desk) -> Answer:
    """Return who answers for the data, and what is not described yet."""
    controller = load_controller(desk.session.workspace())
    return asdict(controller) | {"missing": list(controller.missing)}


def describe_controller(desk: Desk, user: User, said: Mapping[str, str]) -> Answer:
    """Say who answers for the data, and what for; what is not named stays as it is."""
    _changed(desk, user, "controller", lambda: have_done(desk, "describe", dict(said)))
    return controller_there(desk)


def templates_there(desk: Desk) -> Answer:
    """List the letters, and whether the workspace has a template of its own for each."""
    own = OwnTemplates(desk.root)
    return {
        "letters": [
            {"letter": f"{language}-{kind}", "own": own.has(language, kind)}
            for language, kind in own.letters()
        ]
    }


def template_there(desk: Desk, letter: str) -> Answer:
    """Return a letter's template, as it is used now."""
    own, (language, kind) = OwnTemplates(desk.root), _parts(letter)
    return {
        "letter": letter,
        "own": own.has(language, kind),
        "template": own.text(language, kind),
    }


def set_template(desk: Desk, user: User, letter: str, text: str) -> Answer:
    """Use a template of one's own for a letter; the answer has how it reads, of made-up facts."""
    language, kind = _parts(letter)
    said = {"language": language, "kind": kind, "text": text}
    shown = _changed(desk, user, f"letter {letter}", lambda: have_done(desk, "save_template", said))
    return template_there(desk, letter) | {"reads": shown["reads"]}


def end_template(desk: Desk, user: User, letter: str) -> Answer:
    """Use the template that ships again."""
    language, kind = _parts(letter)
    said = {"language": language, "kind": kind}
    _changed(desk, user, f"letter {letter}", lambda: have_done(desk, "end_template", said))
    return template_there(desk, letter)


def _parts(letter: str) -> tuple[str, str]:
    language, _, kind = letter.partition("-")
    return language, kind


def _changed(desk: Desk, user: User, setting: str, do: Callable[[], Answer]) -> Answer:
    """Have a setting changed, and log whose doing it is."""
    done = do()
    desk.log(user, lambda by: SettingChanged(setting, by))
    return done
