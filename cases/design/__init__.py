"""How the tiers are chosen: the classes of the domain, and cases that together cover them."""
