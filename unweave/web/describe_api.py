"""`python -m unweave.web.describe_api`: prints the description of the API, as docs/openapi.json."""

import json
import sys

from unweave.web.api.openapi import document

if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1)
    sys.stdout.write("\n")
