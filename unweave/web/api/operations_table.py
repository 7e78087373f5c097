"""Every operation of the API, as one literal table; who may ask for it stands in the matrix.

A `{place}` of a path is the number of a thing (`PLACES`), never whom it is about. What `changes`
something is asked with an `Idempotency-Key`. The description (`openapi`), the checks of what is
sent (`api_guard`) and the routes are all made from here.
"""

from dataclasses import dataclass
from typing import Literal

from lineage_store.log import KINDS
from lineage_store.rights import ENDS, RIGHTS, TAKEN_BACK
from unweave.letters.kinds import KINDS as KINDS_OF_LETTERS
from unweave.letters.kinds import LANGUAGES
from unweave.web.accounts.users import ROLES
from unweave.web.api.body_fields import Field, Parameter
from unweave.web.operations.people_found import WHY_LOOKED_UP
from unweave.web.operations.request_reading import WHY_NAMES
from unweave.web.operations.rules_set import OF_CONTROLLER
from unweave.web.operations.who_has_data import OF_A_NAME

PLACES = {
    "request": "q[0-9]{1,12}",
    "model": "m[0-9]{1,12}",
    "deletion": "r[0-9]{1,12}",
    "token": "t[0-9]{1,12}",
    "webhook": "w[0-9]{1,12}",
    "letter": f"({'|'.join(LANGUAGES)})-({'|'.join(KINDS_OF_LETTERS)})",
}
ROOT = "/api/v1"


@dataclass(frozen=True)
class Operation:
    """What can be asked: by which method and path, with which fields, and the shape of the answer.

    `large` takes files in its body; `media` is what the answer is.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    says: str
    answer: str
    body: tuple[Field, ...] = ()
    query: tuple[Parameter, ...] = ()
    changes: bool = False
    status: int = 200
    large: bool = False
    media: str = "application/json"


def _page(pattern: str) -> tuple[Parameter, ...]:
    return (
        Parameter("cursor", "Where to go on: `next` of the page before.", pattern),
        Parameter("limit", "How many at most, of 1 to 200.", "([1-9][0-9]?|1[0-9][0-9]|200)", "50"),
    )


TO = (
    Field("to", "text", "Whom it is addressed to, by default who asked."),
    Field("language", "text", "In which language, by default English.", choices=tuple(LANGUAGES)),
)
WHY_A_HOLD = Field("reason", "text", "Why it may not run.", required=True)
FILING = (
    Field("ids", "ids", "Whom it is about, as the data have them.", required=True),
    Field("right", "text", "What is asked for, by default erasure.", choices=RIGHTS),
    Field("rows", "flag", "The ids are of rows, not of people."),
    Field("ground", "text", "On what ground, 17(1)(b) say."),
    Field("requester", "text", "Who asks."),
    Field("reason", "text", "Why."),
    Field("legal_basis", "text", "On what legal basis."),
    Field("came_by", "text", "By which way it came, by which the answer goes."),
    Field("verified_how", "text", "How the person was verified, by who files it."),
    Field("received", "day", "On which day it was received, by default today."),
    Field("deadline", "day", "By when it is to be done, if earlier than the law has it."),
    Field("long_ago", "flag", "It was received more than a year ago, indeed."),
)
WORKSPACE = Field("workspace", "count", "Its number, as a request tells it.", required=True)
USER = Field("name", "id", "Who.", required=True)
ROLE = Field("role", "text", "What they may do.", required=True, choices=ROLES)
LIFTING = tuple(dict.fromkeys((*(one for ends in ENDS.values() for one in ends), TAKEN_BACK)))

# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    Operation("describeApi", "GET", "/openapi.json", "Read this description.", "Document"),
    Operation("listRequests", "GET", "/requests",
              "List requests: open ones as they are due, those that are over newest first.",
              "RequestPage", query=(
                  Parameter("show", "Which, by default those that are open.", "", "open",
                            ("open", "over")),
                  *_page("(open_[0-9]{4}-[0-9]{2}-[0-9]{2}|over)_[0-9]{1,12}"))),
    Operation("fileRequest", "POST", "/requests",
              "File a request; one that waits already is named instead.", "Filed",
              body=FILING, changes=True),
    Operation("showRequest", "GET", "/requests/{request}", "Read a request, without a name.",
              "Request"),
    Operation("readNames", "POST", "/requests/{request}/names",
              "Read whom a request is about, and the words that it keeps: logged, with the reason.",
              "Names", body=(Field("because", "text", "Why they are read.", required=True,
                                   choices=tuple(WHY_NAMES)),)),
    Operation("answerWhoIsMeant", "POST", "/requests/{request}/who",
              "Say which of the spellings that look alike are meant, by number, or that none is.",
              "Request", changes=True, body=(
                  Field("also", "ids", "The numbers of those that are meant."),
                  Field("only", "flag", "None of them is meant."))),
    Operation("approveRequest", "POST", "/requests/{request}/approve",
              "Approve a request, as a second person.", "Request", changes=True),
    Operation("askForMore", "POST", "/requests/{request}/ask-more",
              "Say that more was asked for, to tell who the person is: the clock stands.",
              "Request", changes=True,
              body=(Field("doubt", "text", "What is doubted.", required=True),)),
    Operation("sayMoreCame", "POST", "/requests/{request}/more-came",
              "Say on which day what was asked for came: the clock goes on.", "Request",
              changes=True, body=(Field("on", "day", "On which day, by default today."),)),
    Operation("sayUnidentified", "POST", "/requests/{request}/unidentified",
              "Say that nobody can tell who the person is.", "Request", changes=True),
    Operation("extendRequest", "POST", "/requests/{request}/extend",
              "Take the longer time that the law allows.", "Request", changes=True,
              body=(Field("because", "text", "For which of the reasons of the law.",
                          required=True),)),
    Operation("holdRequest", "POST", "/requests/{request}/hold",
              "Keep a request from running to the end of a day.", "Request", changes=True,
              body=(WHY_A_HOLD, Field("until", "day", "The last day.", required=True))),
    Operation("releaseRequest", "POST", "/requests/{request}/release", "End a hold.", "Request",
              changes=True),
    Operation("refuseRequest", "POST", "/requests/{request}/refuse",
              "Refuse a request, and write the letter that says why.", "Request", changes=True,
              body=(Field("ground", "text", "On what ground.", required=True),
                    Field("reason", "text", "Why: the person is told it.", required=True), *TO)),
    Operation("cancelRequest", "POST", "/requests/{request}/cancel",
              "Take a request back, as the person asked; what it keeps is erased.", "Request",
              changes=True),
    Operation("keepRows", "POST", "/requests/{request}/keep-rows",
              "Have the next run take restricted rows out of the models, and keep them.",
              "Request", changes=True),
    Operation("upholdObjection", "POST", "/requests/{request}/uphold",
              "Uphold an objection: the next run erases what it names.", "Request", changes=True),
    Operation("announceLift", "POST", "/requests/{request}/announce-lift",
              "Write the letter that tells of the end of a restriction, before that comes.",
              "Request", changes=True, body=(
                  Field("because", "text", "Why it ends.", required=True, choices=LIFTING),
                  Field("on", "day", "On which day.", required=True),
                  Field("reason", "text", "Why, in words."), *TO)),
    Operation("liftRestriction", "POST", "/requests/{request}/lift",
              "Lift a restriction, on its day or later; kept rows are put back.", "Request",
              changes=True, body=(
                  Field("columns", "ids", "The columns of the table that kept rows go into."),)),
    Operation("writeAnswer", "POST", "/requests/{request}/pack",
              "Write the letter that a request is due or, once it is over, the pack.", "Request",
              changes=True, body=(
                  Field("answer", "flag", "Answer, and end, what is answered by a person's data."),
                  *TO)),
    Operation("handOver", "POST", "/requests/{request}/file",
              "Get what is written to be sent, as one ZIP file: logged, since it names the person.",
              "File", media="application/zip"),
    Operation("saySent", "POST", "/requests/{request}/sent",
              "Say that the answer was sent; what was written is erased.", "Sent", changes=True),
    Operation("correctRequest", "POST", "/requests/{request}/rectify",
              "Start the correction of what a request names, by the whole corrected table.",
              "Started", changes=True, status=202, large=True, body=(
                  Field("table", "file", "The table, CSV.", required=True),
                  Field("model", "text", "Which model the new one is to be like.", required=True))),
    Operation("takeRows", "POST", "/requests/{request}/rows",
              "Get rows that are put back, as one ZIP file: logged, since they are people's.",
              "File", media="application/zip"),
    Operation("eraseRows", "POST", "/requests/{request}/rows/erase",
              "Erase the rows here, once somebody has them.", "Request", changes=True),
    Operation("askForFee", "POST", "/requests/{request}/fee",
              "Ask for a fee before anything is done.", "Request", changes=True, body=(
                  Field("amount", "text", "How much.", required=True),
                  Field("reason", "text", "Why: the person is told it.", required=True))),
    Operation("sayFeeAgreed", "POST", "/requests/{request}/fee/agreed",
              "Say that the person agreed to the fee.", "Request", changes=True),
    Operation("mailAnswer", "POST", "/requests/{request}/mail",
              "Have what is written to be sent go by mail; what was taken was sent.", "Mailing",
              changes=True, body=(Field("to", "text", "To which address.", required=True),)),
    Operation("endMail", "POST", "/requests/{request}/mail/end",
              "Send what waits to go by mail not at all; it stays written.", "Mailing",
              changes=True),
    Operation("makeOwnLink", "POST", "/requests/{request}/link",
              "Make a link by which the person sees how their request stands; it is told once.",
              "OwnLink", changes=True),
    Operation("carryOver", "POST", "/requests/{request}/elsewhere",
              "File it in other workspaces where it is not filed, and carry over what is behind.",
              "Request", changes=True),
    Operation("readNamesElsewhere", "POST", "/requests/{request}/elsewhere/names",
              "Read whom its part in another workspace is about: logged there, with the reason.",
              "Names", body=(WORKSPACE, Field("because", "text", "Why they are read.",
                                              required=True, choices=tuple(WHY_NAMES)))),
    Operation("answerWhoIsMeantElsewhere", "POST", "/requests/{request}/elsewhere/who",
              "Say which spellings are meant in another workspace, by number, or that none is.",
              "Request", changes=True, body=(
                  WORKSPACE,
                  Field("also", "ids", "The numbers of those that are meant."),
                  Field("only", "flag", "None of them is meant."))),
    Operation("approveElsewhere", "POST", "/requests/{request}/elsewhere/approve",
              "Approve its part in another workspace, as a second person.", "Request",
              changes=True, body=(WORKSPACE,)),
    Operation("lookUpPerson", "POST", "/people/look-up",
              "Say in which models an id has rows: logged, with the reason and not whom.",
              "LookedUp", body=(
                  Field("id", "id", "Who, by one id.", required=True),
                  Field("because", "text", "Why.", required=True,
                        choices=tuple(WHY_LOOKED_UP)))),
    Operation("readmitPerson", "POST", "/people/anew",
              "Let somebody be trained on again who was forgotten and has agreed anew.",
              "Readmitted", changes=True, body=(
                  Field("id", "id", "Who, by one id.", required=True),)),
    Operation("showRun", "GET", "/run", "Say what runs, and what of the last run failed.", "Run"),
    Operation("startRun", "POST", "/run", "Start what is due.", "Started", changes=True,
              status=202),
    Operation("listModels", "GET", "/models", "List models, newest first.", "ModelPage", query=(
                  Parameter("show", "Which, by default those in use.", "", "live", ("live", "all")),
                  *_page("m[0-9]{1,12}"))),
    Operation("showModel", "GET", "/models/{model}",
              "Read what a model learnt from, in numbers, and whether it is free of deleted rows.",
              "Model"),
    Operation("showDeletion", "GET", "/deletions/{deletion}",
              "Read how a deletion stands, and its certificate.", "Deletion"),
    Operation("listEvents", "GET", "/events", "List the event log, newest first.", "EventPage",
              query=(Parameter("kind", "Only events of this kind.", "", "",
                               tuple(one.name for one in KINDS)),
                     *_page("[0-9]{1,12}"))),
    Operation("showHead", "GET", "/head", "Read the signed head of the log, to be kept elsewhere.",
              "Head"),
    Operation("giveEvidence", "POST", "/evidence",
              "Get the evidence of deletions: those named, drawn, of a model, or of an interval.",
              "File", media="application/zip", body=(
                  Field("deletions", "ids", "Their numbers."),
                  Field("draw", "count", "How many are drawn at random."),
                  Field("model", "text", "A model: it and its earlier versions."),
                  Field("since", "day", "The first day on which they ended."),
                  Field("until", "day", "The last day."))),
    Operation("showRecords", "GET", "/records",
              "Read who answers for the data, the figures of this year, and who has data.",
              "Records"),
    Operation("addRecipient", "POST", "/records/recipients",
              "Name somebody who has data or models from here.", "Recipient", changes=True, body=(
                  Field("name", "text", "Who.", required=True),
                  Field("serves", "flag", "It serves models."),
                  Field("model", "text", "Of which model's line, by default of all."),
                  Field("since", "day", "Since which day, by default today."))),
    Operation("sayRecipientTold", "POST", "/records/recipients/told",
              "Say that one was told of a deletion, or has confirmed the new models.", "Recipient",
              changes=True, body=(
                  Field("number", "count", "Whose number.", required=True),
                  Field("deletion", "text", "Of which deletion, or restriction.", required=True),
                  Field("on", "day", "On which day, by default today."))),
    Operation("endRecipient", "POST", "/records/recipients/end",
              "Say that one gets nothing more from today on.", "Recipient", changes=True,
              body=(Field("number", "count", "Whose number.", required=True),)),
    Operation("nameModel", "POST", "/models/{model}/name",
              "Serve a model's line under a name, and say what that is for.", "Model",
              changes=True, body=(Field("name", "text", "The name.", required=True),
                                  *(Field(one, "text", "What is left out stays.")
                                    for one in OF_A_NAME))),
    Operation("rollBack", "POST", "/models/{model}/rollback",
              "Serve the version before of a name again.", "Model", changes=True,
              body=(Field("name", "text", "The name.", required=True),)),
    Operation("verifyCertificate", "POST", "/verify",
              "Check a certificate and, with its receipt and an id, whether it speaks of them.",
              "Verified", large=True, body=(
                  Field("certificate", "file", "The file.", required=True),
                  Field("receipt", "file", "Its receipt, as a file."),
                  Field("subject", "id", "The id of whom the receipt was given to."))),
    Operation("listTokens", "GET", "/tokens", "List the tokens that have not ended.", "TokenList"),
    Operation("makeToken", "POST", "/tokens", "Make a token of a program; it is told once.",
              "TokenMade", changes=True, body=(
                  Field("name", "id", "The program's name.", required=True),
                  Field("role", "text", "What it may do.", required=True, choices=ROLES),
                  Field("until", "day", "Its last day.", required=True))),
    Operation("endToken", "POST", "/tokens/{token}/end", "End a token at once.", "TokenEnded",
              changes=True),
    Operation("listWebhooks", "GET", "/webhooks", "List who is told what happens to requests.",
              "WebhookList"),
    Operation("makeWebhook", "POST", "/webhooks",
              "Add an address that is told what happens to requests, by their numbers.",
              "WebhookMade", changes=True, body=(
                  Field("url", "text", "It begins with https://, and everybody can ask it.",
                        required=True),)),
    Operation("endWebhook", "POST", "/webhooks/{webhook}/end", "Tell it nothing any more.",
              "WebhookEnded", changes=True),
    Operation("listUsers", "GET", "/users", "List who may use the desk.", "UserList"),
    Operation("addUser", "POST", "/users", "Add a user; their link is told once.", "UserLink",
              changes=True, body=(USER, ROLE)),
    Operation("inviteUser", "POST", "/users/invite",
              "Void what a user signs in with; a new link is told once.", "UserLink",
              changes=True, body=(USER,)),
    Operation("endUser", "POST", "/users/end", "Let a user in no more.", "UserEnded",
              changes=True, body=(USER,)),
    Operation("showPolicy", "GET", "/policy", "Read the rules for requests.", "Policy"),
    Operation("setPolicy", "POST", "/policy",
              "Set all rules for requests; a limit that is left out there is not.", "Policy",
              changes=True, body=(
                  Field("regime", "text", "The law by which time is counted.", required=True),
                  Field("register_years", "count", "For how long the register keeps what is over.",
                        required=True),
                  Field("approve_above", "count", "Above how many people a second one agrees."),
                  Field("approve_above_user", "count", "So counted by user of the machine."),
                  Field("deadline_days", "count", "Within how many days, if sooner."))),
    Operation("showController", "GET", "/controller", "Read who answers for the data.",
              "Controller"),
    Operation("describeController", "POST", "/controller",
              "Say who answers for the data; what is left out stays as it is.", "Controller",
              changes=True, body=tuple(Field(name, "text", "In one line.")
                                       for name in OF_CONTROLLER)),
    Operation("listLetters", "GET", "/letters",
              "List the letters, and which have a template of the workspace's own.", "LetterList"),
    Operation("showLetter", "GET", "/letters/{letter}", "Read a letter's template.", "Letter"),
    Operation("setLetter", "POST", "/letters/{letter}",
              "Use a template for a letter; told is how it reads of made-up facts.", "LetterTried",
              changes=True, body=(Field("template", "text", "The template.", required=True),)),
    Operation("endLetter", "POST", "/letters/{letter}/end",
              "Use the template that ships again.", "Letter", changes=True),
    Operation("showMailServer", "GET", "/mail-server",
              "Read by which server letters are sent, but for its password.", "MailServer"),
    Operation("setMailServer", "POST", "/mail-server", "Have letters sent by a server.",
              "MailServer", changes=True, body=(
                  Field("host", "text", "Its name, which everybody can ask.", required=True),
                  Field("port", "text", "Its port, 465 or 587 say.", required=True),
                  Field("security", "text", "TLS at once, or asked for first.", required=True,
                        choices=("tls", "starttls")),
                  Field("sender", "text", "The address that letters come from.", required=True),
                  Field("user", "text", "The user name there."),
                  Field("password", "text", "The password there."))),
    Operation("endMailServer", "POST", "/mail-server/end", "Send nothing by mail any more.",
              "MailServer", changes=True),
)
# fmt: on
# Where Prometheus looks for it, and no part of the description.
METRICS = Operation("showMetrics", "GET", "/metrics", "Read how the desk stands, in numbers.", "")
