"""Which function does which operation, by its name in the table."""

from collections.abc import Mapping

from starlette.responses import Response

from unweave.web.api import (
    changing_calls,
    elsewhere_calls,
    reading_calls,
    rights_calls,
    settings_calls,
)
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
    "liftRestriction": rights_calls.lift,
    "correctRequest": rights_calls.correct,
    "takeRows": rights_calls.take_rows,
    "eraseRows": rights_calls.erase_rows,
    "askForFee": changing_calls.acting("ask_fee"),
    "sayFeeAgreed": changing_calls.acting("fee_agreed"),
    "readmitPerson": rights_calls.readmit_person,
    "writeAnswer": changing_calls.write,
    "handOver": reading_calls.hand_file_over,
    "saySent": changing_calls.sent,
    "mailAnswer": settings_calls.mail,
    "endMail": settings_calls.no_mail,
    "makeOwnLink": changing_calls.own_link,
    "carryOver": elsewhere_calls.carry_over,
    "readNamesElsewhere": elsewhere_calls.names_there,
    "answerWhoIsMeantElsewhere": elsewhere_calls.who_there,
    "approveElsewhere": elsewhere_calls.approve_there,
    "lookUpPerson": reading_calls.look_up,
    "showRun": reading_calls.show_run,
    "startRun": changing_calls.run,
    "listModels": reading_calls.list_models,
    "showModel": reading_calls.show_model,
    "showDeletion": reading_calls.show_deletion,
    "listEvents": reading_calls.list_events,
    "showHead": reading_calls.show_head,
    "giveEvidence": reading_calls.give_evidence,
    "showRecords": reading_calls.show_records,
    "addRecipient": rights_calls.add_recipient,
    "sayRecipientTold": rights_calls.recipient_told,
    "endRecipient": rights_calls.end_recipient,
    "nameModel": rights_calls.name_model,
    "rollBack": rights_calls.roll_back,
    "verifyCertificate": reading_calls.verify_certificate,
    "listTokens": reading_calls.list_tokens,
    "makeToken": changing_calls.new_token,
    "endToken": changing_calls.old_token,
    "listWebhooks": reading_calls.list_webhooks,
    "makeWebhook": changing_calls.new_webhook,
    "endWebhook": changing_calls.old_webhook,
    "listUsers": settings_calls.list_users,
    "addUser": settings_calls.new_user,
    "inviteUser": settings_calls.user_again,
    "endUser": settings_calls.old_user,
    "showPolicy": settings_calls.show_policy,
    "setPolicy": settings_calls.new_policy,
    "showController": settings_calls.show_controller,
    "describeController": settings_calls.new_controller,
    "listLetters": settings_calls.list_letters,
    "showLetter": settings_calls.show_letter,
    "setLetter": settings_calls.new_letter,
    "endLetter": settings_calls.old_letter,
    "showMailServer": settings_calls.show_mail_server,
    "setMailServer": settings_calls.new_mail_server,
    "endMailServer": settings_calls.old_mail_server,
    "showMetrics": show_metrics,
}
