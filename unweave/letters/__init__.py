"""Letters to people: what they are told, in their language, and how they can check it themselves.

facts          what a letter says, as the register has it
kinds          which letter a request is due, by what has become of it
catalogue      the languages, and a workspace's own templates
own_templates  a workspace's own, taken, tried and ended
letter         a letter as text and as a page
verify_page    a certificate that checks itself in a browser
"""
