"""What happens before and after the pipelines, a file for each kind of run.

train, forget, queue, audit, doctor, detect  the runs
base_model                                   the model that a training starts from
find_rows                                    from ids to rows
killed_runs                                  what they leave behind, taken away
"""
