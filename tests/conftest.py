"""What holds for all tests."""

import os

os.environ["ZYG_VERIFY"] = "1"  # the verifier runs after every pass
