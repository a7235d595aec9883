"""The roof: the only package that may touch network, disk, clock or chance.

Start reading at `adserver.app`.
"""
