"""How the schema came to be, step by step, each with a way back. `running` applies them."""
