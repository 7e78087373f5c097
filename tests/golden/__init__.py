"""Golden workspaces: small ones that an old commit's code writes, for today's code to work on.

    recipe.py        the table, the configurations, what is asked and who is forgotten
    old_code.py      the code of an old commit, run in a process of its own
    workspaces.py    the workspaces, made once a session, and the copies that tests work on
    digests.json     what the old code answered, as far as no processor can change it

What depends on the processor, weights for instance, is compared with what the old code gives on the
same machine in the same session.
"""
