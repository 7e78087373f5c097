"""Rights besides erasure, as far as they take more than one form.

agreed_anew        who was forgotten has agreed anew
corrections_started  a correction is started: the table that is corrected, and like which model
rectify_process    that training, in a process of its own
rows_put_back      rows that a restriction kept, to be trained on again
records_forms      whom something was given to, and names of models
rights_forms       their forms, and those of a fee and of who has agreed anew
"""
