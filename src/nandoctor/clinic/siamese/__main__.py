from nandoctor.clinic.siamese.command import entry

entry()
