"""Record the transposed convolutions that a user's program really calls, and read each as a case.

``hooks`` runs in the user's interpreter, ``start`` brings it there; the other modules run a command, read what was
recorded and make the cases.
"""
