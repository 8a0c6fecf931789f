from __future__ import annotations

import os

from hypothesis import settings

# No example database: tests leave the working directory as it was.
settings.register_profile("posner", deadline=None, database=None)
settings.register_profile("ci", deadline=None, database=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "posner")
