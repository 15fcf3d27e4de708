"""How each framework is called: one interface, one module per implementation, one process per adapter."""
