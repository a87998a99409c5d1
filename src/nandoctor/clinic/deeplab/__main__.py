"""`python -m nandoctor.clinic.deeplab`."""

from nandoctor.clinic.deeplab.command import entry

entry()
