"""The demo: the whole `story`, on the Chicago `taxi` trips inside the tfx package.

Its workspace can be looked at `at_the_desk`.
"""
