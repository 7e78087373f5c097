"""What all pages of the desk stand on.

desk            one workspace, open at the desk
matrix          who may what, as a table
visits          who asks, and what they sent
rendering       templates, and the words that all of them use
bindings        where the desk listens, and to which names it answers
headers         what every answer says to the browser; what is too large, too much or misdirected
controller_words  how what is said of the controller is called
request_words   how a request is told
outbox          what is written to be sent, until it was
outgoing        what is sent to other machines, and to which never
bodies          which call had which body, as long as the process lives
problems        errors as programs read them
clerk           has a command do what changes something
clerk_process   that command
run_process     a run of what is due, and what is kept of what it says
"""
