"""How each framework is asked: one interface, one module an implementation, one process an adapter."""
