"""Which function does which operation, by its name in the table."""

from collections.abc import Mapping

from starlette.responses import Response

from unweave.web.api import changing_calls, reading_calls
from unweave.web.api.calls import Answer, Call, Handler
from unweave.web.api.openapi import document
from unweave.web.operations.metrics import MEDIA, metrics
from unweave.web.process.desk import Desk


def describe(desk: Desk, call: Call) -> Answer:
    """Describe the API."""
    return document()


def show_metrics(desk: Desk, call: Call) -> Response:
    """Tell how the desk stands, in numbers."""
    return Response(metrics(desk), headers={"content-type": MEDIA})


DONE: Mapping[str, Handler] = {
    "describeApi": describe,
    "listRequests": reading_calls.list_requests,
    "fileRequest": changing_calls.file,
    "showRequest": reading_calls.show_request,
    "readNames": reading_calls.read_names,
    "answerWhoIsMeant": changing_calls.say_who,
    "approveRequest": changing_calls.acting("approve"),
    "askForMore": changing_calls.acting("ask_more"),
    "sayMoreCame": changing_calls.acting("more_came"),
    "sayUnidentified": changing_calls.acting("not_identified"),
    "extendRequest": changing_calls.acting("extend"),
    "holdRequest": changing_calls.acting("hold"),
    "releaseRequest": changing_calls.acting("release"),
    "refuseRequest": changing_calls.refuse,
    "cancelRequest": changing_calls.acting("cancel"),
    "keepRows": changing_calls.acting("keep_rows"),
    "upholdObjection": changing_calls.acting("uphold"),
    "announceLift": changing_calls.announce_lift,
    "liftRestriction": changing_calls.acting("lift"),
    "writeAnswer": changing_calls.write,
    "handOver": reading_calls.hand_file_over,
    "saySent": changing_calls.sent,
    "makeOwnLink": changing_calls.own_link,
    "lookUpPerson": reading_calls.look_up,
    "showRun": reading_calls.show_run,
    "startRun": changing_calls.run,
    "listModels": reading_calls.list_models,
    "showModel": reading_calls.show_model,
    "showDeletion": reading_calls.show_deletion,
    "listEvents": reading_calls.list_events,
    "showHead": reading_calls.show_head,
    "showRecords": reading_calls.show_records,
    "verifyCertificate": reading_calls.verify_certificate,
    "listTokens": reading_calls.list_tokens,
    "makeToken": changing_calls.new_token,
    "endToken": changing_calls.old_token,
    "listWebhooks": reading_calls.list_webhooks,
    "makeWebhook": changing_calls.new_webhook,
    "endWebhook": changing_calls.old_webhook,
    "showMetrics": show_metrics,
}
