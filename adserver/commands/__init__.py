"""The sub-commands of `adunion`, a file each: every one reads top to bottom like a recipe.

Each module's attribute `command` is registered in `adserver.__main__`.
"""
