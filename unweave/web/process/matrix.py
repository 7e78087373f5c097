"""Who may what at the desk: a route that does not stand here is not served.

`roles` are those who are let in; PUBLIC is everybody, signed in or not. *Whose object* a thing is
cannot be told from a route: where it matters, `whose` says who is kept out besides.
"""

from dataclasses import dataclass

from unweave.web.accounts.users import Role

PUBLIC: frozenset[Role] = frozenset()
STAFF: frozenset[Role] = frozenset({"officer", "approver", "engineer", "auditor", "owner"})
DESK: frozenset[Role] = frozenset({"officer", "approver", "auditor", "owner"})
NAMES: frozenset[Role] = frozenset({"officer", "approver"})
OFFICER: frozenset[Role] = frozenset({"officer"})
RUNNERS: frozenset[Role] = frozenset({"officer", "engineer"})
ENGINEER: frozenset[Role] = frozenset({"engineer"})
APPROVER: frozenset[Role] = frozenset({"approver"})
OWNER: frozenset[Role] = frozenset({"owner"})
RECORDS: frozenset[Role] = frozenset({"officer", "auditor", "owner"})
NOT_THEIR_OWN = "not who asked or filed it"


@dataclass(frozen=True)
class Rule:
    """A route, who may ask it, and whether its form brings files."""

    method: str
    path: str
    roles: frozenset[Role]
    whose: str = "anybody's"
    files: bool = False


# fmt: off
MATRIX: tuple[Rule, ...] = (
    Rule("GET",  "/",                                 DESK),
    Rule("GET",  "/live",                             DESK),
    Rule("GET",  "/style.css",                        PUBLIC),
    Rule("GET",  "/live.js",                          PUBLIC),
    Rule("GET",  "/healthz",                          PUBLIC),
    Rule("GET",  "/metrics",                          STAFF),
    Rule("GET",  "/sign-in",                          PUBLIC),
    Rule("POST", "/sign-in",                          PUBLIC),
    Rule("POST", "/sign-out",                         STAFF),
    Rule("GET",  "/welcome/{link}",                   PUBLIC, "whose link it is"),
    Rule("POST", "/welcome/{link}",                   PUBLIC, "whose link it is"),
    Rule("GET",  "/own/{link}",                       PUBLIC, "whose link it is"),
    Rule("POST", "/own/{link}",                       PUBLIC, "whose link it is"),
    Rule("GET",  "/own",                              PUBLIC, "whose cookie it is"),
    Rule("GET",  "/own-file",                         PUBLIC, "whose cookie it is"),
    Rule("GET",  "/verify",                           PUBLIC),
    Rule("POST", "/verify",                           PUBLIC, files=True),
    Rule("GET",  "/accessibility",                    PUBLIC),
    Rule("GET",  "/requests/new",                     OFFICER),
    Rule("POST", "/requests/new",                     OFFICER),
    Rule("GET",  "/requests/{request}",               DESK),
    Rule("POST", "/requests/{request}/names",         NAMES),
    Rule("POST", "/requests/{request}/who",           OFFICER),
    Rule("POST", "/requests/{request}/approve",       APPROVER, NOT_THEIR_OWN),
    Rule("POST", "/requests/{request}/ask-more",      OFFICER),
    Rule("POST", "/requests/{request}/more-came",     OFFICER),
    Rule("POST", "/requests/{request}/unidentified",  OFFICER),
    Rule("POST", "/requests/{request}/extend",        OFFICER),
    Rule("POST", "/requests/{request}/hold",          OFFICER),
    Rule("POST", "/requests/{request}/release",       OFFICER),
    Rule("POST", "/requests/{request}/refuse",        OFFICER),
    Rule("POST", "/requests/{request}/cancel",        OFFICER),
    Rule("POST", "/requests/{request}/keep-rows",     OFFICER),
    Rule("POST", "/requests/{request}/uphold",        OFFICER),
    Rule("POST", "/requests/{request}/announce-lift", OFFICER),
    Rule("POST", "/requests/{request}/lift",          OFFICER),
    Rule("POST", "/requests/{request}/pack",          OFFICER),
    Rule("POST", "/requests/{request}/file",          OFFICER),
    Rule("POST", "/requests/{request}/sent",          OFFICER),
    Rule("POST", "/requests/{request}/rectify",       OFFICER, files=True),
    Rule("POST", "/requests/{request}/rows",          OFFICER),
    Rule("POST", "/requests/{request}/rows/erase",    OFFICER),
    Rule("POST", "/requests/{request}/fee",           OFFICER),
    Rule("POST", "/requests/{request}/fee/agreed",    OFFICER),
    Rule("POST", "/requests/{request}/mail",          OFFICER),
    Rule("POST", "/requests/{request}/mail/end",      OFFICER),
    Rule("POST", "/requests/{request}/link",          OFFICER),
    Rule("POST", "/requests/{request}/elsewhere",     OFFICER),
    Rule("POST", "/requests/{request}/elsewhere/names",   NAMES),
    Rule("POST", "/requests/{request}/elsewhere/who",     OFFICER),
    Rule("POST", "/requests/{request}/elsewhere/approve", APPROVER, NOT_THEIR_OWN),
    Rule("GET",  "/people",                           OFFICER),
    Rule("POST", "/people",                           OFFICER),
    Rule("POST", "/people/anew",                      OFFICER),
    Rule("POST", "/run",                              RUNNERS),
    Rule("GET",  "/models",                           STAFF),
    Rule("GET",  "/models/{model}",                   STAFF),
    Rule("GET",  "/models/{model}/lineage",           STAFF),
    Rule("GET",  "/models/{model}/lineage.svg",       STAFF),
    Rule("GET",  "/models/{model}/parts/{part}",      STAFF),
    Rule("GET",  "/lineage",                          STAFF),
    Rule("POST", "/lineage",                          STAFF),
    Rule("GET",  "/lineage/{node}",                   STAFF),
    Rule("GET",  "/lineage/{node}/to/{other}",        STAFF),
    Rule("GET",  "/deletions/{deletion}",             STAFF),
    Rule("GET",  "/deletions/{deletion}/live",        STAFF),
    Rule("GET",  "/audit",                            STAFF),
    Rule("GET",  "/audit/head",                       STAFF),
    Rule("GET",  "/audit/key",                        PUBLIC),
    Rule("POST", "/audit/evidence",                   RECORDS),
    Rule("GET",  "/records",                          RECORDS),
    Rule("GET",  "/records/requests.csv",             RECORDS),
    Rule("POST", "/records/recipients",               OFFICER),
    Rule("POST", "/records/recipients/told",          OFFICER),
    Rule("POST", "/records/recipients/end",           OFFICER),
    Rule("POST", "/models/{model}/name",              ENGINEER),
    Rule("POST", "/models/{model}/rollback",          ENGINEER),
    Rule("GET",  "/settings",                         OWNER),
    Rule("POST", "/settings/tokens",                  OWNER),
    Rule("POST", "/settings/tokens/{token}/end",      OWNER),
    Rule("POST", "/settings/webhooks",                OWNER),
    Rule("POST", "/settings/webhooks/{webhook}/end",  OWNER),
    Rule("GET",  "/settings/users",                   OWNER),
    Rule("POST", "/settings/users",                   OWNER),
    Rule("POST", "/settings/users/invite",            OWNER),
    Rule("POST", "/settings/users/end",               OWNER),
    Rule("GET",  "/settings/policy",                  OWNER),
    Rule("POST", "/settings/policy",                  OWNER),
    Rule("GET",  "/settings/controller",              OWNER),
    Rule("POST", "/settings/controller",              OWNER),
    Rule("GET",  "/settings/letters",                 OWNER),
    Rule("GET",  "/settings/letters/{letter}",        OWNER),
    Rule("POST", "/settings/letters/{letter}",        OWNER),
    Rule("POST", "/settings/letters/{letter}/end",    OWNER),
    Rule("GET",  "/settings/mail",                    OWNER),
    Rule("POST", "/settings/mail",                    OWNER),
    Rule("POST", "/settings/mail/end",                OWNER),
    Rule("GET",  "/api/v1/openapi.json",                            PUBLIC),
    Rule("GET",  "/api/v1/requests",                                DESK),
    Rule("POST", "/api/v1/requests",                                OFFICER),
    Rule("GET",  "/api/v1/requests/{request}",                      DESK),
    Rule("POST", "/api/v1/requests/{request}/names",                NAMES),
    Rule("POST", "/api/v1/requests/{request}/who",                  OFFICER),
    Rule("POST", "/api/v1/requests/{request}/approve",              APPROVER, NOT_THEIR_OWN),
    Rule("POST", "/api/v1/requests/{request}/ask-more",             OFFICER),
    Rule("POST", "/api/v1/requests/{request}/more-came",            OFFICER),
    Rule("POST", "/api/v1/requests/{request}/unidentified",         OFFICER),
    Rule("POST", "/api/v1/requests/{request}/extend",               OFFICER),
    Rule("POST", "/api/v1/requests/{request}/hold",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/release",              OFFICER),
    Rule("POST", "/api/v1/requests/{request}/refuse",               OFFICER),
    Rule("POST", "/api/v1/requests/{request}/cancel",               OFFICER),
    Rule("POST", "/api/v1/requests/{request}/keep-rows",            OFFICER),
    Rule("POST", "/api/v1/requests/{request}/uphold",               OFFICER),
    Rule("POST", "/api/v1/requests/{request}/announce-lift",        OFFICER),
    Rule("POST", "/api/v1/requests/{request}/lift",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/pack",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/file",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/sent",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/rectify",              OFFICER, files=True),
    Rule("POST", "/api/v1/requests/{request}/rows",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/rows/erase",           OFFICER),
    Rule("POST", "/api/v1/requests/{request}/fee",                  OFFICER),
    Rule("POST", "/api/v1/requests/{request}/fee/agreed",           OFFICER),
    Rule("POST", "/api/v1/requests/{request}/mail",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/mail/end",             OFFICER),
    Rule("POST", "/api/v1/requests/{request}/link",                 OFFICER),
    Rule("POST", "/api/v1/requests/{request}/elsewhere",            OFFICER),
    Rule("POST", "/api/v1/requests/{request}/elsewhere/names",      NAMES),
    Rule("POST", "/api/v1/requests/{request}/elsewhere/who",        OFFICER),
    Rule("POST", "/api/v1/requests/{request}/elsewhere/approve",    APPROVER, NOT_THEIR_OWN),
    Rule("POST", "/api/v1/people/look-up",                          OFFICER),
    Rule("POST", "/api/v1/people/anew",                             OFFICER),
    Rule("GET",  "/api/v1/run",                                     STAFF),
    Rule("POST", "/api/v1/run",                                     RUNNERS),
    Rule("GET",  "/api/v1/models",                                  STAFF),
    Rule("GET",  "/api/v1/models/{model}",                          STAFF),
    Rule("GET",  "/api/v1/deletions/{deletion}",                    STAFF),
    Rule("GET",  "/api/v1/events",                                  STAFF),
    Rule("GET",  "/api/v1/head",                                    STAFF),
    Rule("POST", "/api/v1/evidence",                                RECORDS),
    Rule("GET",  "/api/v1/records",                                 RECORDS),
    Rule("POST", "/api/v1/records/recipients",                      OFFICER),
    Rule("POST", "/api/v1/records/recipients/told",                 OFFICER),
    Rule("POST", "/api/v1/records/recipients/end",                  OFFICER),
    Rule("POST", "/api/v1/models/{model}/name",                     ENGINEER),
    Rule("POST", "/api/v1/models/{model}/rollback",                 ENGINEER),
    Rule("POST", "/api/v1/verify",                                  PUBLIC, files=True),
    Rule("GET",  "/api/v1/tokens",                                  OWNER),
    Rule("POST", "/api/v1/tokens",                                  OWNER),
    Rule("POST", "/api/v1/tokens/{token}/end",                      OWNER),
    Rule("GET",  "/api/v1/webhooks",                                OWNER),
    Rule("POST", "/api/v1/webhooks",                                OWNER),
    Rule("POST", "/api/v1/webhooks/{webhook}/end",                  OWNER),
    Rule("GET",  "/api/v1/users",                                   OWNER),
    Rule("POST", "/api/v1/users",                                   OWNER),
    Rule("POST", "/api/v1/users/invite",                            OWNER),
    Rule("POST", "/api/v1/users/end",                               OWNER),
    Rule("GET",  "/api/v1/policy",                                  OWNER),
    Rule("POST", "/api/v1/policy",                                  OWNER),
    Rule("GET",  "/api/v1/controller",                              OWNER),
    Rule("POST", "/api/v1/controller",                              OWNER),
    Rule("GET",  "/api/v1/letters",                                 OWNER),
    Rule("GET",  "/api/v1/letters/{letter}",                        OWNER),
    Rule("POST", "/api/v1/letters/{letter}",                        OWNER),
    Rule("POST", "/api/v1/letters/{letter}/end",                    OWNER),
    Rule("GET",  "/api/v1/mail-server",                             OWNER),
    Rule("POST", "/api/v1/mail-server",                             OWNER),
    Rule("POST", "/api/v1/mail-server/end",                         OWNER),
)
# fmt: on
BY_ROUTE = {(rule.method, rule.path): rule for rule in MATRIX}
HOME: dict[Role, str] = {
    "officer": "/",
    "approver": "/",
    "engineer": "/models",
    "auditor": "/audit",
    "owner": "/",
}


def may(role: Role, method: str, path: str) -> bool:
    """Say whether a role is let in by a route, as the matrix has it."""
    return role in BY_ROUTE[method, path].roles
