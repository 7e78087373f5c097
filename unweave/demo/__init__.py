"""The demo: the whole `story`, on the Chicago `taxi` trips inside the tfx package."""
