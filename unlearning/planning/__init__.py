"""What will be done to each model, decided before anything is changed.

plan            the plan of one model; `plan_file` keeps it with the request
verdicts        what becomes of every artifact downstream (law 4)
choice          which strategy serves
estimates       what each would cost; `expected_cost` before anybody asks
kept_for_later  what an approximate deletion keeps of the shards it changes
exact_later     two phases: approximate now, exact by a date
downstream      which units of a shard are downstream of the rows; `refused_plans` that leave one
"""
