"""The desk in a browser: a web page for those who answer people.

    unweave serve WORKSPACE [OTHERS]          application: routes put together; serve_desk: started
      guard                                   who asks, may they, and did their own form ask it?
      pages/     what is shown and done, a page a file, over the functions that there are
      api/       the same for programs, by tokens
      operations/  those functions: what a form does, and what is read
      several/   other workspaces in which a request is filed, too
      rights/    rights that take more than a form
      lineage/   where a model comes from, level by level
      settings/  what an owner sets, a page each
      mail/      letters by mail
      process/   what all pages stand on: the desk, its matrix, its headers, its clerk
      accounts/  users, second factors, sign-ins
      live/      how far a deletion is, told while somebody looks on
      templates/ HTML, one style and one script, without which every page works

**What the process holds.** No TensorFlow, and two of the workspace's keys: one finds a person by an
id, one opens what the queue seals (`lineage_store.keys.desk_keys`). It never opens the secret, the
signing key or the manifest's key. So it reads, and appends to the event log what is its own to say
(who signed in, who read names), which the next command signs. Whatever changes a request, signs
or trains is done by a command in a process of its own (`process.clerk`), which opens those keys
itself; it gets what it is told through a pipe, since a command line is read by everybody on the
machine. A crash of the desk ends no deletion.

**Who may what** stands in one literal table (`process.matrix`): a route that is not in it is not
served. Whose object a thing is, is asked where that is known: who filed a request, or asked for
it, does not approve it.

**Names.** No page names anybody. The people of a request are shown in answer to a form in which
the reader says why, and that is an event with the reader's number. No id and no name stands in an
address or in a line that is logged; requests and deletions have numbers.

**Programs** have tokens, each of a role. Of one table of operations (`api.operations_table`) the
routes, the checks and the description are made; what they call is what the forms call.

**Whoever made a request** sees it by a link of their own (`accounts.own_links`), and nothing else.

**Several workspaces** are served as one: the first is the desk's home, and a request of its queue
is filed, run and answered in each (`several`). The process has two keys of each, and no other.

**Live.** The page of a deletion that runs is told how far it is over one connection (server-sent
events), by the one script of the desk, and that of the requests what runs; without it the page
reads itself again. What is told is read from what the run has written and from `at-work.json`, so
that a run that was killed says where it stopped, and the process of the desk knows no more of it
than anybody. No other page has a script, nor has that of the requests while nothing runs.

**A browser is not believed.** Every answer forbids scripts, but for the desk's own on those pages,
and frames and foreign content. What
changes something is a form, sent from this very desk (`Origin`, `Sec-Fetch-Site`), with a token
that only the cookie's owner has. The cookie is HttpOnly and SameSite=Strict and ends; what it is
worth is kept as a digest. The desk answers to the names that it was given and to no other. It
listens to this machine alone, unless TLS or a trusted proxy stands before it.

**Speed.** A page asks for a bounded number of rows, by keys and not by offsets, and counts stop
where counting would take long.
"""
