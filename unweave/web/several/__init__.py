"""Several workspaces at one desk: a person asks once, and is answered once.

    unweave serve HOME OTHER [OTHER ...]

The first workspace is the desk's home: its users, settings, letters and mail are the desk's, and a
request with its deadline, clock and answer is one of its queue. The others are *joined*. A request
about people is filed in each of them, too, as a request of its own there, its *part*, with the same
day of receipt and deadline. A part is sealed by that workspace's own key, lies in its queue and log
like any other, and obeys its rules alone: its holds, its approvals, its spellings that look alike.
A request of rows stays at home: the number of a row means another row elsewhere.

**What leaves a workspace.** Ids and words of a request, once, through a pipe into the command that
files it in the other, which seals them. The home keeps bare numbers beside (`desk.sqlite`: our q5
is their q7) and, until a part is filed, what is to be filed, sealed: a workspace that cannot be
reached today must still be asked tomorrow, when the request may be over at home and its names gone.
Of what was found, an answer at home has what its letter says: places, days, numbers of rows.

**In step.** What is to be done elsewhere is never remembered as a list of things to do: it follows
from how the request stands at home and its part there (`carrying_over`), so whatever was killed
between the two is made up for by the next step, whoever takes it: the next form of the request, the
next run, or the process, every few seconds. Filing asks the other workspace first what it was asked
since (`clerk_process.add_part`): a part is filed once.

**Done** is a request when it is over at home and in each part. A workspace that cannot be reached
(unmounted, of another format, its keys unreadable, not served any more) stops that, with a sentence
that names it; all else is answered. Then each part's own pack is written, by its own workspace, and
the home's letter says what each of them did: what is handed over is that one letter, with the
certificates of each workspace in a folder of its name.

What concerns one part alone is done at its request's page: who is meant there, a second person's
approval. All that is said of the request is carried over while both are open: a hold, a stopped
clock, more time, a fee, that it was taken back. A refusal is done in the parts first. What there is
of restrictions and corrections in a part is done by that workspace's own commands or desk.

joined_workspaces  which they are, whether each can be reached, and if not, why
filed_parts        which request is which part, and what is still to be filed
carrying_over      what a part lacks of what its request has
keeping_up         files and carries over what is behind
part_states        how the parts of a request stand; what stops it from being done
part_answers       the packs of the parts, and what the letter says of them
"""
