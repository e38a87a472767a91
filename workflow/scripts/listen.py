"""Recognise words in a stream of sound with a trained model: see listen.py --help."""

import sys

from spokenwords.recognition import listen_command

if __name__ == "__main__":
    sys.exit(listen_command.listen())
