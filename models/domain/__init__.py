"""The nouns of the house, standard library only.

A noun lives here when two floors speak it that may not import each other.
"""
