"""A Siamese ResNet trained with a triplet loss, and the ways in which its loss becomes NaN.

`python -m nandoctor.clinic.siamese --help`
"""
