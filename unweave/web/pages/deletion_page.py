"""A deletion: its report, as `unweave report` writes it, which holds no id and no name.

It is a page of its own with one inline style, which the policy names by its digest. One that runs
still, or was interrupted, says how far it is: live where a browser runs the desk's one script.
"""

from starlette.responses import Response

from lineage_store.index import deletions, queue
from unweave.web.live.watched import glance
from unweave.web.process.desk import Desk
from unweave.web.process.headers import policy
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.visits import Visit


def show(desk: Desk, visit: Visit) -> Response:
    """Show the report of a deletion that has ended, and of another how far it is."""
    from unweave.report.page import page
    from unweave.report.values import report_of

    with desk.session.reading() as (workspace, connection):
        found = deletions.find_request(connection, visit.path["deletion"])
        if found.state == "done":
            data = page(report_of(workspace, connection, found.id))
            headers = {"content-security-policy": policy(_style_of(data))}
            return Response(data, media_type="text/html; charset=utf-8", headers=headers)
        served = [one.id for one in queue.of_run(connection, found.id)]
    values = {"far": glance(desk, found.id), "served": served}
    answer = rendered(Page("deletion.html.j2", values, under="/models"), visit)
    answer.headers["content-security-policy"] = policy(live=True)
    return answer


def _style_of(report: bytes) -> str:
    """Return the one style of a report, as it stands in the page between its tags.

    It has the digest of the certificate in it, for the foot of a printed page.
    """
    return report.partition(b"<style>")[2].partition(b"</style>")[0].decode("utf-8")
