"""`python -m nandoctor` is `nandoctor`."""

from nandoctor.cli.main import entry

entry()
