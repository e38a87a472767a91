"""Recognise words in recordings with a trained model alone: see predict.py --help."""

import sys

from spokenwords.recognition import command

if __name__ == "__main__":
    sys.exit(command.predict())
