"""The merchants' room: orders with their verdicts, products, the key and the balance."""
