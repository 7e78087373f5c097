"""The version of unweave, as installed."""


def installed_version() -> str:
    """Return the version; looked up when asked for, since the look-up costs every start."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("unweave")
    except PackageNotFoundError:
        return "0 (not installed)"
