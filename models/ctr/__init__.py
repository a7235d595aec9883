"""What the log taught us: features, the compiled forest, training, calibration. Pure.

No network, clock or chance.
"""
