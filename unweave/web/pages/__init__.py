"""The pages of the desk, a file for what belongs together.

sign_in_page    in by name, password and code; the link of one use; out
queue_page      the requests, and the one next step of each; what runs
request_page    one request: its clock, its people behind a form, its timeline, where its rows are
request_forms   what is done to one that is open
elsewhere_forms  what is done to its parts in other workspaces
sending         what is written to be sent, handed over, and said to be sent
people_page     whether somebody has rows, by an id
models_page     models under their names, and one model
deletion_page   the report of a deletion
audit_page      the log, its head, and a certificate that is checked
records_page    who answers for the data, figures of the year, whom data were given to
requester_page  how one's own request stands, by a link
public_pages    what anybody sees: checking a certificate, accessibility, the style
"""
