"""The architectures of the clinic. They are models as a user writes them: Keras, and nothing of nandoctor."""
