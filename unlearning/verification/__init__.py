"""Is a result what it says it is? Checks that can fail, and replays.

checks          of a deletion's result, each with its negative control (`controlled`)
report_file     the report, made and kept with the request
replay          segments of a training run, taken again; `taken_again` units of a deletion's
recorded_files  the files of a live model against the digests in its ledger
twin_distance   how near a result is to its retrained twin
"""
