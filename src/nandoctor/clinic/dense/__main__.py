"""`python -m nandoctor.clinic.dense`."""

from nandoctor.clinic.dense.command import entry

entry()
