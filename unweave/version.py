"""The version of unweave, as installed."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("unweave")
except PackageNotFoundError:
    VERSION = "0 (not installed)"
