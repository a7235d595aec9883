"""The compiled forest: LightGBM's trees as masks, scored exactly for hundreds of ads at once.

`model_text` reads boosters, `rules` says what a split answers, `compiled` makes arrays of them,
`kernels` walks the arrays. Training and calibration are never here.

The one surprising fact: no tree is ever walked (QuickScorer, Lucchese et al., SIGIR 2015).
"""
