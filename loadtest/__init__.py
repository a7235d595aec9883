"""A stranger at the door: traffic, people and advertisers that know the product from outside only.

Here: a made-up market with a hidden click model behind a seed, traffic over real HTTP, locust users
and the benchmarks. Never here: our own code, except in the `bench_*` modules, which measure it. The
one surprising fact: the true click probability of every ad shown is known here and nowhere else.
"""
