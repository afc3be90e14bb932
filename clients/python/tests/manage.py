#!/usr/bin/env python3
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # the models are those of the example, which knows nothing of this package
    sys.path.append(str(Path(__file__).resolve().parents[3] / "examples" / "django"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
